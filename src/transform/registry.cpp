#include "transform/registry.hpp"

namespace etl::transform {

// One line an operator, sorted.
extern const Transform kAggregate;
extern const Transform kCast;
extern const Transform kCheck;
extern const Transform kCleanNulls;
extern const Transform kDedupe;
extern const Transform kDerive;
extern const Transform kDropColumns;
extern const Transform kFilter;
extern const Transform kFunction;
extern const Transform kJoin;
extern const Transform kMask;
extern const Transform kOutliers;
extern const Transform kRenameColumns;
extern const Transform kSql;
extern const Transform kUnion;
extern const Transform kUnnestJson;

namespace {

const Transform kAll[] = {
    kAggregate, kCast, kCheck, kCleanNulls, kDedupe,        kDerive, kDropColumns, kFilter,
    kFunction,  kJoin, kMask,  kOutliers,   kRenameColumns, kSql,    kUnion,       kUnnestJson,
};

}  // namespace

std::span<const Transform> all() {
  return kAll;
}

const Transform* find(std::string_view name) {
  for (const Transform& transform : kAll) {
    if (transform.about.name == name) return &transform;
  }
  return nullptr;
}

}  // namespace etl::transform

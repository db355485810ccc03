#include "transform/registry.hpp"

namespace etl::transform {

// One line an operator, sorted.
extern const Transform kCast;
extern const Transform kDerive;
extern const Transform kDropColumns;
extern const Transform kFilter;
extern const Transform kRenameColumns;
extern const Transform kSql;

namespace {

const Transform kAll[] = {
    kCast, kDerive, kDropColumns, kFilter, kRenameColumns, kSql,
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

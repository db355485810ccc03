#include "source/registry.hpp"

namespace etl::source {

// One line an operator, sorted.
extern const Source kCsv;
extern const Source kHttpJson;
extern const Source kJson;
extern const Source kSql;
extern const Source kTable;
extern const Source kXlsx;

namespace {

const Source kAll[] = {
    kCsv, kHttpJson, kJson, kSql, kTable, kXlsx,
};

}  // namespace

std::span<const Source> all() {
  return kAll;
}

const Source* find(std::string_view name) {
  for (const Source& source : kAll) {
    if (source.about.name == name) return &source;
  }
  return nullptr;
}

}  // namespace etl::source

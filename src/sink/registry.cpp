#include "sink/registry.hpp"

namespace etl::sink {

extern const model::Operator kElasticsearch;
extern const model::Operator kFile;
extern const model::Operator kTable;

namespace {

// One entry an operator, sorted.
const model::Operator* const kAll[] = {&kElasticsearch, &kFile, &kTable};

}  // namespace

std::span<const model::Operator* const> all() {
  return kAll;
}

const model::Operator* find(std::string_view name) {
  for (const model::Operator* sink : kAll) {
    if (sink->name == name) return sink;
  }
  return nullptr;
}

}  // namespace etl::sink

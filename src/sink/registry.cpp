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

}  // namespace etl::sink

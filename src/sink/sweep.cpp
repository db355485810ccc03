#include "sink/sweep.hpp"

#include "core/json.hpp"
#include "pg/read_only.hpp"

namespace etl::sink {

namespace {

std::vector<unsigned> bound_types(const compile::Sweep& sweep, unsigned type) {
  return sweep.range_column.empty() ? std::vector<unsigned>{} : std::vector{type, type};
}

}  // namespace

Sweep::Sweep(const compile::Sweep& sweep, pg::Relation& all, unsigned range_type)
    : has_range_(!sweep.range_column.empty()),
      sweep_(compile::sweep_sql(sweep), bound_types(sweep, range_type), {{"input", &all}}, pg::Planning::kFree),
      swept_(compile::swept_sql(sweep), bound_types(sweep, range_type), {{"input", &all}}, pg::Planning::kFree) {
  if (!has_range_) return;
  bounds_ = std::make_unique<pg::Statement>(compile::bounds_sql(sweep), std::vector<unsigned>{},
                                            std::vector{pg::NamedRelation{"input", &all}}, pg::Planning::kFree);
}

pg::Key Sweep::bounds() {
  if (!has_range_) return {};
  pg::Relation found(bounds_->columns(), false);
  found.clear();
  const pg::ReadOnlyScope read_only;
  bounds_->read(found);
  const json::Document row = json::parse(found.row_json(0), "the bounds of a range");
  return {json::text_member(row, "lower"), json::text_member(row, "upper")};
}

std::uint64_t Sweep::run() {
  const pg::Modified modified = sweep_.modify(bounds());
  return modified.deleted + modified.updated;
}

std::unique_ptr<pg::Relation> Sweep::make_list() const {
  return std::make_unique<pg::Relation>(swept_.columns(), true);
}

void Sweep::list(pg::Relation& rows) {
  rows.clear();
  swept_.read(rows, bounds());
}

}  // namespace etl::sink

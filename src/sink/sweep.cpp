#include "sink/sweep.hpp"

#include <algorithm>

#include "core/json.hpp"
#include "pg/read_only.hpp"

namespace etl::sink {

Sweep::Sweep(compile::Sweep sweep, pg::Relation& all, unsigned range_type) : sweep_(std::move(sweep)), all_(all) {
  if (!sweep_.range_column.empty()) bound_types_ = {range_type, range_type};
  (void)prepare(compile::sweep_sql(sweep_), true);
  if (!bound_types_.empty()) (void)prepare(compile::bounds_sql(sweep_), false);
}

pg::Statement Sweep::prepare(const std::string& sql, bool bounded) const {
  const double rows = std::max<double>(1, static_cast<double>(all_.rows()));
  return {sql, bounded ? bound_types_ : std::vector<unsigned>{}, {{"input", &all_, rows}}, pg::Planning::kFree};
}

pg::Key Sweep::bounds() {
  if (bound_types_.empty()) return {};
  pg::Statement look = prepare(compile::bounds_sql(sweep_), false);
  pg::Relation found(look.columns(), false);
  found.clear();
  const pg::ReadOnlyScope read_only;
  look.read(found);
  const json::Document row = json::parse(found.row_json(0), "the bounds of a range");
  return {json::text_member(row, "lower"), json::text_member(row, "upper")};
}

std::uint64_t Sweep::run() {
  const pg::Key between = bounds();
  const pg::Modified modified = prepare(compile::sweep_sql(sweep_), true).modify(between);
  return modified.deleted + modified.updated;
}

std::unique_ptr<pg::Relation> Sweep::list() {
  const pg::Key between = bounds();
  pg::Statement look = prepare(compile::swept_sql(sweep_), true);
  auto rows = std::make_unique<pg::Relation>(look.columns(), true);
  rows->clear();
  look.read(*rows, between);
  return rows;
}

}  // namespace etl::sink

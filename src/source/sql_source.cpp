#include "source/sql_source.hpp"

#include <algorithm>

#include "pg/analyze.hpp"
#include "pg/read_only.hpp"

namespace etl::source {

SqlSource::SqlSource(SqlSourceSpec spec) : spec_(std::move(spec)) {}

std::unique_ptr<pg::Statement> SqlSource::prepare(bool after, std::uint64_t limit, bool keep_source_order) const {
  const compile::Page page = page_of(spec_, after, limit, keep_source_order);
  std::vector<unsigned> types;
  for (const std::size_t column : parameter_columns(spec_, page)) types.push_back(spec_.order_types[column]);
  return std::make_unique<pg::Statement>(compile::page_sql(page), types, spec_.inputs,
                                         limit > 0 ? pg::Planning::kOrdered : pg::Planning::kFree);
}

void SqlSource::open() {
  if (spec_.order.empty()) {  // all rows at once: there is no position to read on from
    spills_ = true;
    first_ = prepare(false, 0, false);
    return;
  }
  next_ = prepare(true, spec_.page_rows, false);
  spills_ = spec_.one_snapshot || !spec_.inputs.empty() || !next_->pages_are_cheap();
  if (spills_) {
    first_ = prepare(false, 0, true);
    next_ = prepare(true, 0, true);
    return;
  }
  first_ = prepare(false, spec_.page_rows, false);
}

pg::Relation::Watch SqlSource::watch(const pg::Relation& relation) const {
  pg::Relation::Watch watch;
  watch.sorted_by_key = !spec_.order.empty() && spec_.keys == spec_.order &&
                        first_ != nullptr;  // not opened: the rows come from elsewhere
  for (const std::string& name : spec_.order) {
    watch.position.push_back(relation.column_index(name));
    const pg::Column& column = spec_.columns.at(static_cast<std::size_t>(watch.position.back()));
    if (column.compared != 0 && !pg::same_equality(column.collation, column.compared)) watch.sorted_by_key = false;
  }
  for (const std::string& name : spec_.keys) watch.key.push_back(relation.column_index(name));
  return watch;
}

std::unique_ptr<pg::Relation> SqlSource::make_page(bool keep) const {
  auto page = std::make_unique<pg::Relation>(spec_.columns, keep);
  page->watch(watch(*page));
  return page;
}

void SqlSource::fill_spill(const std::optional<pg::Key>& after) {
  spill_ = std::make_unique<pg::Relation>(spec_.columns, true);
  spill_->clear();
  const pg::ReadOnlyScope read_only;
  pg::Statement& all = after ? *next_ : *first_;
  all.read(*spill_, parameters(spec_, after));
  spill_->rewind();
  spill_filled_ = true;
}

bool SqlSource::read(const std::optional<pg::Key>& after, pg::Relation& page) {
  page.clear();
  if (!spills_) {
    again_ = false;
    const pg::ReadOnlyScope read_only;
    pg::Statement& statement = after ? *next_ : *first_;
    statement.read(page, parameters(spec_, after));
    return page.rows() >= spec_.page_rows;
  }
  if (!spill_filled_) {
    fill_spill(after);
  } else if (again_) {
    spill_->restore();
  }
  again_ = false;
  spill_->mark();
  spill_->move_page(page, spec_.page_rows);
  return page.rows() >= spec_.page_rows;
}

// A source that is spilled whole shows them as they come.
bool SqlSource::hides_null_keys(bool from_start) const {
  return spec_.null_keys && !(spills_ && from_start && !spec_.range.bounded());
}

std::string SqlSource::way() const {
  if (spec_.order.empty()) return "at once: the query runs once, its rows wait in no order";
  return spills_ ? "spilled: no index serves the order, so the query runs once and its rows wait in key order"
                 : "paged: an index serves the order, each batch is a query with a fresh snapshot";
}

void SqlSource::read_null_keys(pg::Relation& page) {
  page.clear();
  pg::Statement statement(compile::null_key_sql(spec_.query, not_null_columns(spec_)), {}, spec_.inputs,
                          pg::Planning::kFree);
  const pg::ReadOnlyScope read_only;
  statement.read(page);
}

double SqlSource::rows_total() {
  if (spill_filled_) return static_cast<double>(spill_->rows());
  pg::Statement all("SELECT * FROM (" + spec_.query + "\n) AS _etl_row", {}, spec_.inputs, pg::Planning::kFree);
  return all.estimated_rows();
}

std::vector<std::string> SqlSource::explain() {
  return (next_ ? next_ : first_)->explain();
}

}  // namespace etl::source

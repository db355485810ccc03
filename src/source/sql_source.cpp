#include "source/sql_source.hpp"

#include <algorithm>

#include "pg/analyze.hpp"
#include "pg/read_only.hpp"

namespace etl::source {

bool has_null(const pg::Key& position) {
  return std::find(position.begin(), position.end(), std::nullopt) != position.end();
}

SqlSource::SqlSource(SqlSourceSpec spec) : spec_(std::move(spec)) {}

std::unique_ptr<pg::Statement> SqlSource::prepare(bool after, bool first_page, std::uint64_t limit,
                                                  bool keep_source_order) const {
  compile::Page page;
  page.source = spec_.query;
  page.order = spec_.order;
  page.operators = spec_.order_operators;
  page.after = after;
  page.after_first = first_page && spec_.range.from_first.has_value();
  page.limit = limit;
  // Rows with a NULL are for read_null_keys, but those of a source that is spilled whole come with the others.
  if (spec_.null_keys && (limit > 0 || after || bounded())) page.not_null = not_null_columns();
  page.keep_source_order = keep_source_order;
  std::vector<unsigned> types;
  if (after) types = spec_.order_types;
  if (page.after_first) types.push_back(spec_.order_types[0]);
  if (spec_.range.up_to_key) {
    page.upper = compile::Upper::kKeyIncluded;
    types.insert(types.end(), spec_.order_types.begin(), spec_.order_types.end());
  } else if (spec_.range.below_first || spec_.range.up_to_first) {
    page.upper = spec_.range.below_first ? compile::Upper::kFirstBelow : compile::Upper::kFirstIncluded;
    types.push_back(spec_.order_types[0]);
  }
  return std::make_unique<pg::Statement>(compile::page_sql(page), types, spec_.inputs,
                                         limit > 0 ? pg::Planning::kOrdered : pg::Planning::kFree);
}

pg::Key SqlSource::parameters(const std::optional<pg::Key>& after, bool first_page) const {
  pg::Key values;
  if (after) values = *after;
  if (first_page && spec_.range.from_first) values.push_back(spec_.range.from_first);
  if (spec_.range.up_to_key) {
    values.insert(values.end(), spec_.range.up_to_key->begin(), spec_.range.up_to_key->end());
  } else if (spec_.range.below_first) {
    values.push_back(spec_.range.below_first);
  } else if (spec_.range.up_to_first) {
    values.push_back(spec_.range.up_to_first);
  }
  return values;
}

void SqlSource::open() {
  if (spec_.order.empty()) {  // of all rows at once
    spills_ = true;
    first_ = prepare(false, true, 0, false);
    next_ = prepare(false, true, 0, false);
    return;
  }
  next_ = prepare(true, false, spec_.page_rows, false);
  spills_ = spec_.one_snapshot || !spec_.inputs.empty() || !next_->pages_are_cheap();
  if (spills_) {
    first_ = prepare(false, true, 0, true);
    next_ = prepare(true, false, 0, true);
    return;
  }
  first_ = prepare(false, true, spec_.page_rows, false);
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
  all.read(*spill_, parameters(after, !after));
  spill_->rewind();
  spill_filled_ = true;
}

bool SqlSource::read(const std::optional<pg::Key>& after, pg::Relation& page) {
  page.clear();
  if (!spills_) {
    again_ = false;
    const pg::ReadOnlyScope read_only;
    pg::Statement& statement = after ? *next_ : *first_;
    statement.read(page, parameters(after, !after));
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

std::vector<std::string> SqlSource::not_null_columns() const {
  std::vector<std::string> columns = spec_.order;
  for (const std::string& key : spec_.keys) {
    if (std::find(columns.begin(), columns.end(), key) == columns.end()) columns.push_back(key);
  }
  return columns;
}

// A source that is spilled whole shows them as they come.
bool SqlSource::hides_null_keys(bool from_start) const {
  return spec_.null_keys && !(spills_ && from_start && !bounded());
}

std::string SqlSource::way() const {
  if (spec_.order.empty()) return "at once: the query runs once, its rows wait in no order";
  return spills_ ? "spilled: no index serves the order, so the query runs once and its rows wait in key order"
                 : "paged: an index serves the order, each batch is a query with a fresh snapshot";
}

void SqlSource::read_null_keys(pg::Relation& page) {
  page.clear();
  pg::Statement statement(compile::null_key_sql(spec_.query, not_null_columns()), {}, spec_.inputs,
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
  return next_->explain();
}

}  // namespace etl::source

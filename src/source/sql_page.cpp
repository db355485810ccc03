#include "source/sql_page.hpp"

#include <algorithm>

namespace etl::source {

bool has_null(const pg::Key& position) {
  return std::find(position.begin(), position.end(), std::nullopt) != position.end();
}

std::vector<std::string> not_null_columns(const SqlSourceSpec& spec) {
  std::vector<std::string> columns = spec.order;
  for (const std::string& key : spec.keys) {
    if (std::find(columns.begin(), columns.end(), key) == columns.end()) columns.push_back(key);
  }
  return columns;
}

compile::Page page_of(const SqlSourceSpec& spec, bool after, std::uint64_t limit, bool keep_source_order) {
  compile::Page page;
  page.source = spec.query;
  page.order = spec.order;
  page.operators = spec.order_operators;
  page.after = after;
  page.after_first = spec.range.from_first.has_value();  // a position that was rewound may lie before
  page.limit = limit;
  // Rows with a NULL are looked for apart, but those of a source that is read whole come with the others.
  if (spec.null_keys && (limit > 0 || after || spec.range.bounded())) page.not_null = not_null_columns(spec);
  page.keep_source_order = keep_source_order;
  if (spec.range.up_to_key) {
    page.upper = compile::Upper::kKeyIncluded;
  } else if (spec.range.below_first || spec.range.up_to_first) {
    page.upper = spec.range.below_first ? compile::Upper::kFirstBelow : compile::Upper::kFirstIncluded;
  }
  return page;
}

std::vector<std::size_t> parameter_columns(const SqlSourceSpec& spec, const compile::Page& page) {
  std::vector<std::size_t> columns;
  const auto add_key = [&] {
    for (std::size_t i = 0; i < spec.order.size(); ++i) columns.push_back(i);
  };
  if (page.after) add_key();
  if (page.after_first) columns.push_back(0);
  if (page.upper == compile::Upper::kKeyIncluded) {
    add_key();
  } else if (page.upper != compile::Upper::kNone) {
    columns.push_back(0);
  }
  return columns;
}

pg::Key parameters(const SqlSourceSpec& spec, const std::optional<pg::Key>& after) {
  pg::Key values;
  if (after) values = *after;
  if (spec.range.from_first) values.push_back(spec.range.from_first);
  if (spec.range.up_to_key) {
    values.insert(values.end(), spec.range.up_to_key->begin(), spec.range.up_to_key->end());
  } else if (spec.range.below_first) {
    values.push_back(spec.range.below_first);
  } else if (spec.range.up_to_first) {
    values.push_back(spec.range.up_to_first);
  }
  return values;
}

}  // namespace etl::source

#include "compile/upsert_parts.hpp"

#include "core/quote.hpp"

namespace etl::compile {

std::string joined(const std::vector<std::string>& parts, const char* separator) {
  std::string text;
  for (const std::string& part : parts) text += (text.empty() ? "" : separator) + part;
  return text;
}

std::string typed(const UpsertColumn& column, const std::string& value) {
  if (!column.constant.empty()) return column.constant;
  return column.cast.empty() ? value : "CAST(" + value + " AS " + column.cast + ")";
}

std::string typed_input(const Upsert& upsert) {
  std::vector<std::string> columns;
  bool any = false;
  for (const UpsertColumn& c : upsert.columns) {
    const std::string name = quote_name(c.name);
    const bool as_it_is = c.cast.empty() && c.constant.empty();
    any = any || !as_it_is;
    columns.push_back(as_it_is ? name : typed(c, name) + " AS " + name);
  }
  return any ? "(SELECT " + joined(columns, ", ") + " FROM input)" : "input";
}

std::string value(const UpsertColumn& column, const std::string& row, Input input) {
  const std::string name = row + "." + quote_name(column.name);
  return input == Input::kRaw ? typed(column, name) : name;
}

std::string same_key(const Upsert& upsert, const std::string& table, Input input) {
  std::vector<std::string> parts;
  for (const UpsertColumn& c : upsert.columns) {
    if (!c.key) continue;
    parts.push_back(value(c, table, Input::kTyped) + " " + c.operators.equal + " " + value(c, "s", input));
  }
  return joined(parts, " AND ");
}

std::string differs(const Upsert& upsert, const std::string& table, const std::string& other, Input input) {
  std::vector<std::string> parts;
  for (const UpsertColumn& c : upsert.columns) {
    if (c.key || !c.set) continue;
    auto image = [&](const std::string& text) {
      return c.image.empty() ? text : "CAST(" + text + " AS " + c.image + ")";
    };
    const std::string one = image(value(c, table, Input::kTyped));
    const std::string two = image(value(c, other, input));
    parts.push_back(upsert.elsewhere ? "ROW(" + one + ")::record OPERATOR(pg_catalog.*<>) ROW(" + two + ")::record"
                                     : "etl.image_differs(" + one + ", " + two + ")");
  }
  return joined(parts, " OR ");
}

std::string assignments(const Upsert& upsert, const std::string& input) {
  std::vector<std::string> parts;
  for (const UpsertColumn& c : upsert.columns) {
    if (!c.key && c.set) parts.push_back(quote_name(c.name) + " = " + input + "." + quote_name(c.name));
  }
  return joined(parts, ", ");
}

std::string columns(const Upsert& upsert, std::string_view prefix, bool keys_only) {
  std::vector<std::string> names;
  for (const UpsertColumn& c : upsert.columns) {
    if (c.key || !keys_only) names.push_back(c.name);
  }
  return name_list(names, prefix);
}

}  // namespace etl::compile

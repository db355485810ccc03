#include "transform/check_rules.hpp"

#include <algorithm>
#include <array>
#include <set>

#include "core/quote.hpp"
#include "transform/columns.hpp"

namespace etl::transform {

namespace {

using json::Value;
using Names = std::vector<std::string>;

// The params of a rule beside rule and name; columns is another form of column.
struct Kind {
  std::string_view name;
  std::array<std::string_view, 2> wanted;
  std::array<std::string_view, 2> allowed;  // and may be left out
};

constexpr std::array<Kind, 9> kKinds = {{
    {"expression", {"expression"}, {}},
    {"foreign_key", {"column", "table"}, {"references"}},
    {"freshness", {"column", "max_age"}, {}},
    {"in_set", {"column", "values"}, {}},
    {"not_null", {"column"}, {}},
    {"range", {"column"}, {"max", "min"}},
    {"regex", {"column", "pattern"}, {}},
    {"row_count", {}, {"max", "min"}},
    {"unique", {"column"}, {}},
}};

const Kind& kind_of(std::string_view name) {
  return *std::find_if(kKinds.begin(), kKinds.end(), [&](const Kind& kind) { return kind.name == name; });
}

bool is_in(const std::array<std::string_view, 2>& names, std::string_view name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

std::string list_of(const Names& names) {
  std::string list;
  for (const std::string& name : names) list += (list.empty() ? "" : ", ") + name;
  return list;
}

std::string message(const std::string& text) {
  return literal(text, "pg_catalog.text");
}

// A string, or a list of strings.
Names read_names(const Value& rule, const char* one, const char* many) {
  Names names;
  if (one != nullptr && rule.HasMember(one)) return {std::string(json::text(rule[one]))};
  if (!rule.HasMember(many)) return names;
  if (rule[many].IsString()) return {std::string(json::text(rule[many]))};
  for (const Value& name : rule[many].GetArray()) names.emplace_back(json::text(name));
  return names;
}

// One rule of the param. A rule for several columns is one for each of them, but for unique and foreign_key.
class Reader {
 public:
  // number: of the rule, for a name of its own
  Reader(const Value& rule, const Input& input, std::size_t number)
      : rule_(rule),
        input_(input),
        number_(number),
        kind_(json::text(rule["rule"])),
        columns_(read_names(rule, "column", "columns")) {
    check_params();
    for (const std::string& name : columns_) (void)want_column(input_, name);
    want_unique(columns_);
  }

  std::vector<CheckRule> read() const {
    if (kind_ == "expression") return {expression()};
    if (kind_ == "row_count") return {row_count()};
    if (kind_ == "unique") return {unique()};
    if (kind_ == "foreign_key") return {foreign_key()};
    std::vector<CheckRule> rules;
    for (const std::string& name : columns_) {
      const Column& column = want_column(input_, name);
      rules.push_back(kind_ == "not_null"    ? not_null(column)
                      : kind_ == "range"     ? range(column)
                      : kind_ == "regex"     ? regex(column)
                      : kind_ == "freshness" ? freshness(column)
                                             : in_set(column));
    }
    return rules;
  }

 private:
  bool has(const char* param) const { return rule_.HasMember(param); }
  std::string text(const char* param) const { return std::string(json::text(rule_[param])); }
  std::string value(const Column& column) const { return qualified(input_, column.name); }

  [[noreturn]] void refuse(const std::string& what, const std::string& hint) const {
    throw Error("22023", "rule \"" + kind_ + "\" " + what, "It is " + json::write(rule_) + ".", hint);
  }

  void check_params() const {
    const Kind& kind = kind_of(kind_);
    for (const std::string_view param : kind.wanted) {
      if (param.empty()) continue;
      const bool there = param == "column" ? !columns_.empty() : has(std::string(param).c_str());
      if (!there) refuse("needs \"" + std::string(param) + "\"", "See the description of operator check.");
    }
    for (const auto& member : rule_.GetObject()) {
      const std::string_view name = json::text(member.name);
      const bool known = name == "rule" || name == "name" || is_in(kind.allowed, name) ||
                         is_in(kind.wanted, name == "columns" ? "column" : name);
      if (!known) refuse("takes no \"" + std::string(name) + "\"", "Leave it out.");
    }
    if (has("column") && has("columns")) refuse("takes either column or columns", "Leave one of them out.");
    if (is_in(kind.allowed, "min") && !has("min") && !has("max"))
      refuse("needs \"min\" or \"max\"", "Give one of them, or both.");
  }

  std::string label(const Names& arguments) const {
    const std::string own = kind_ + (arguments.empty() ? "" : "(" + list_of(arguments) + ")");
    if (!has("name")) return own;
    const bool apart = columns_.size() > 1 && arguments.size() == 1;
    return text("name") + (apart ? "(" + arguments[0] + ")" : "");
  }

  CheckRule row_rule(const Names& arguments, const std::string& text, const std::string& broken) const {
    return {.label = label(arguments), .message = message(text), .broken = broken};
  }

  CheckRule not_null(const Column& column) const {
    return row_rule({column.name}, "column \"" + column.name + "\" is NULL", is_null(input_, column.name));
  }

  // All rows of a key that comes more than once, since nothing says which of them is right.
  CheckRule unique() const {
    std::string keys, known;
    for (const std::string& name : columns_) {
      keys += (keys.empty() ? "" : ", ") + qualified(input_, name);
      known += " AND " + is_not_null(input_, name);
    }
    const std::string same = "\"_etl_same_" + std::to_string(number_) + "\"";
    CheckRule rule =
        row_rule(columns_, "key (" + list_of(columns_) + ") is not unique", same + " OPERATOR(pg_catalog.>) 1" + known);
    rule.window = "pg_catalog.count(*) OVER (PARTITION BY " + keys + ") AS " + same;
    return rule;
  }

  // Of integers the bounds are numeric, since one may have a fraction or be beyond the type.
  CheckRule range(const Column& column) const {
    std::string broken;
    const std::string type = is_integer(column) ? "numeric" : column.bare_type;
    const std::string number = is_integer(column) ? "CAST(" + value(column) + " AS numeric)" : value(column);
    auto bound = [&](const char* param) { return literal(scalar_text(rule_[param]), type); };
    if (has("min")) broken = number + " " + column.less + " " + bound("min");
    if (has("max")) broken += (broken.empty() ? "" : " OR ") + bound("max") + " " + column.less + " " + number;
    std::string limits;
    if (has("min")) limits = "below " + scalar_text(rule_["min"]);
    if (has("max")) limits += (limits.empty() ? "above " : " or above ") + scalar_text(rule_["max"]);
    return row_rule({column.name}, "column \"" + column.name + "\" is " + limits, broken);
  }

  CheckRule regex(const Column& column) const {
    return row_rule({column.name}, "column \"" + column.name + "\" does not match " + text("pattern"),
                    text_for_pattern(column, "CAST(" + value(column) + " AS pg_catalog.text)") +
                        " OPERATOR(pg_catalog.!~) " + quote_literal(text("pattern")));
  }

  // An ARRAY of arrays has no arrays as its elements, so these are compared one by one.
  CheckRule in_set(const Column& column) const {
    const bool of_arrays = column.bare_type.ends_with("[]");
    const std::string next = of_arrays ? " OR " + value(column) + " " + column.equal + " " : ", ";
    std::string values, texts;
    for (const Value& one : rule_["values"].GetArray()) {
      values += (values.empty() ? "" : next) + literal(scalar_text(one), column.bare_type);
      texts += (texts.empty() ? "" : ", ") + scalar_text(one);
    }
    if (texts.size() > 200) texts = texts.substr(0, texts.find(',', 150)) + ", …";
    return row_rule({column.name}, "column \"" + column.name + "\" is not one of " + texts,
                    "NOT (" + value(column) + " " + column.equal +
                        (of_arrays ? " " + values : " ANY (ARRAY[" + values + "])") + ")");
  }

  CheckRule foreign_key() const {
    const Names named = read_names(rule_, nullptr, "references");
    const Names& references = named.empty() ? columns_ : named;
    if (references.size() != columns_.size())
      refuse("needs as many references as columns", "Name a column of the table for each.");
    std::string known, same;
    for (std::size_t i = 0; i < columns_.size(); ++i) {
      const Column& column = want_column(input_, columns_[i]);
      known += is_not_null(input_, column.name) + " AND ";
      same += (same.empty() ? "" : " AND ") + ("\"_etl_referenced\"." + quote_name(references[i])) + " " +
              column.equal + " " + value(column);
    }
    return row_rule(
        columns_, "key (" + list_of(columns_) + ") is not in " + text("table"),
        known + "NOT EXISTS (SELECT FROM " + text("table") + "\n AS \"_etl_referenced\" WHERE " + same + ")");
  }

  CheckRule expression() const {
    return row_rule({text("expression")}, text("expression") + " is false", "(" + text("expression") + "\n) IS FALSE");
  }

  CheckRule row_count() const {
    CheckRule rule{.label = label({}), .message = {}, .set = "SELECT pg_catalog.count(*) AS \"rows\""};
    auto add = [&](const char* param, const char* comparison, const char* words) {
      if (!has(param)) return;
      if (!rule_[param].IsInt64() || rule_[param].GetInt64() < 0)
        refuse("needs a whole number as \"" + std::string(param) + "\"", "Give a number of rows.");
      const std::string bound = std::to_string(rule_[param].GetInt64());
      rule.set_broken += (rule.set_broken.empty() ? "" : " OR ") +
                         ("\"_etl_set\".\"rows\" OPERATOR(pg_catalog." + std::string(comparison) + ") " + bound);
      rule.message += (rule.message.empty() ? "" : " or ") + std::string(words) + " " + bound;
    };
    add("min", "<", "fewer than");
    add("max", ">", "more than");
    rule.message = "pg_catalog.concat(\"_etl_set\".\"rows\", " + message(" rows: " + rule.message) + ")";
    return rule;
  }

  CheckRule freshness(const Column& column) const {
    const std::string& type = column.bare_type;
    if (type != "pg_catalog.date" && type != "timestamp without time zone" && type != "timestamp with time zone") {
      throw Error("42804", "column \"" + column.name + "\" has no age", "It is of type " + column.type + ".",
                  "Use a date or a timestamp.");
    }
    return {.label = label({column.name}),
            .message = "pg_catalog.concat(" + message("the newest " + column.name + " is ") +
                       ", \"_etl_set\".\"newest\", " + message(", older than " + text("max_age")) + ")",
            .set = "SELECT pg_catalog.max(" + value(column) + ") AS \"newest\"",
            .set_broken =
                "CAST(\"_etl_set\".\"newest\" AS timestamp with time zone) OPERATOR(pg_catalog.<) "
                "(pg_catalog.now() OPERATOR(pg_catalog.-) " +
                literal(text("max_age"), "interval") + ")"};
  }

  const Value& rule_;
  const Input& input_;
  const std::size_t number_;
  const std::string kind_;
  const Names columns_;
};

}  // namespace

std::vector<CheckRule> read_check_rules(const Call& call, const Input& input) {
  std::vector<CheckRule> rules;
  std::set<std::string> labels;
  std::size_t number = 0;
  for (const Value& rule : call.params["rules"].GetArray()) {
    for (CheckRule& one : Reader(rule, input, number++).read()) {
      if (!labels.insert(one.label).second) {
        throw Error("42710", "rule \"" + one.label + "\" comes twice", {},
                    "Leave one of them out, or give it a \"name\".");
      }
      rules.push_back(std::move(one));
    }
  }
  return rules;
}

}  // namespace etl::transform

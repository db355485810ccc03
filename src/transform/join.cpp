#include <algorithm>

#include "core/quote.hpp"
#include "transform/columns.hpp"

namespace etl::transform {

namespace {

using Keys = std::vector<std::string>;

const Input& want_input(const Call& call, const char* param) {
  const std::string id = text_or(call, param, "");
  for (const Input& input : call.inputs) {
    if (input.id == id) return input;
  }
  throw Error("22023", "param \"" + std::string(param) + "\" names step \"" + id + "\", which is not an input", {},
              "The inputs are \"" + call.inputs[0].id + "\" and \"" + call.inputs[1].id + "\", as in depends_on.");
}

bool is_key(const Keys& keys, const std::string& name) {
  return std::find(keys.begin(), keys.end(), name) != keys.end();
}

// USING would take the operator from the search_path.
std::string condition_of(const Call& call, const Input& left, const Input& right, const Keys& keys) {
  if (keys.empty()) return "(" + text_or(call, "on", "true") + "\n)";
  std::string condition;
  for (const std::string& key : keys) {
    (void)want_column(right, key);
    condition += (condition.empty() ? "" : " AND ") + qualified(left, key) + " " + want_column(left, key).equal + " " +
                 qualified(right, key);
  }
  return condition;
}

// Key columns once, in the place that they have on the left.
std::string joined_columns(const Input& left, const Input& right, const Keys& keys, const std::string& type) {
  std::map<std::string, std::string> merged;
  for (const std::string& key : keys) {
    if (type == "right") merged[key] = qualified(right, key);
    if (type == "full") merged[key] = "COALESCE(" + qualified(left, key) + ", " + qualified(right, key) + ")";
  }
  std::string list = all_columns(left, merged);
  for (const Column& column : right.columns) {
    if (is_key(keys, column.name)) continue;
    if (find_column(left, column.name) != nullptr) {
      throw Error("42701", "column \"" + column.name + "\" comes from both inputs",
                  "Steps \"" + left.id + "\" and \"" + right.id + "\" have it.",
                  "Rename it with rename_columns in one of them, or leave it out with drop_columns.");
    }
    list += ", " + qualified(right, column.name);
  }
  return list;
}

// How many rows of one input meet none of the other.
std::string count_unmatched(const Input& one, const Input& other, const std::string& condition) {
  return "(SELECT pg_catalog.count(*) FROM " + quote_name(one.id) + " WHERE NOT EXISTS (SELECT FROM " +
         quote_name(other.id) + " WHERE " + condition + "))";
}

Rule compile_join(const Call& call) {
  const Input& left = want_input(call, "left");
  const Input& right = want_input(call, "right");
  if (&left == &right) {
    throw Error("22023", "params \"left\" and \"right\" name the same step", {},
                "Name one of the two inputs with each.");
  }
  const Keys keys = column_list(call, "keys", left).value_or(Keys());
  if (has_param(call, "on") != keys.empty()) {
    throw Error("22023", "a join takes either keys or on", {},
                "Give keys, columns that both inputs have, or on, an expression over both.");
  }
  const std::string type = text_or(call, "type", "inner");
  const std::string condition = condition_of(call, left, right, keys);
  Rule rule;
  if (type == "semi" || type == "anti") {
    rule.sql = "SELECT " + all_columns(left) + " FROM " + left.from + " WHERE " + (type == "anti" ? "NOT " : "") +
               "EXISTS (SELECT FROM " + right.from + " WHERE " + condition + ")";
  } else {
    rule.sql = "SELECT " + joined_columns(left, right, keys, type) + " FROM " + left.from + " " + type + " JOIN " +
               right.from + " ON " + condition;
  }
  if (!keys.empty()) {
    rule.figures = "SELECT " + count_unmatched(left, right, condition) + " AS unmatched_left, " +
                   count_unmatched(right, left, condition) + " AS unmatched_right";
  }
  return rule;
}

}  // namespace

extern const Transform kJoin = {
    {"join", model::Kind::kTransform,
     "Joins two inputs. With keys, the columns of the left, the keys among them, then the right's others; with "
     "on, all columns of both. full with on needs an equality between the two in it. Rows that meet none are counted "
     "with keys. A column that both have besides is an error. semi gives the left's rows that meet "
     "one of the right, anti those that meet none. NULL keys meet nothing.",
     R"({"type": "object", "properties": {
    "left": {"type": "string", "description": "the id of one of the two steps it depends on"},
    "right": {"type": "string", "description": "the id of the other step it depends on"},
    "keys": {"type": "array", "items": {"type": "string"}, "minItems": 1,
             "description": "a list of columns that both inputs have, or give on"},
    "on": {"type": "string", "format": "expression", "minLength": 1,
           "description": "an SQL expression over both inputs, as in orders.customer = customers.id, or give keys"},
    "type": {"enum": ["inner", "left", "right", "full", "semi", "anti"], "default": "inner",
             "description": "inner, left, right, full, semi or anti"}},
  "required": ["left", "right"]})",
     "The rows of one batch meet all rows of an input that is not read incrementally; what of that one they leave "
     "unmatched, right and full give with every batch.",
     "All rows of both."},
    2,
    2,
    compile_join};

}  // namespace etl::transform

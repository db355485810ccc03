// The SQL of transforms: what holds for all of them, and the text where it is tricky. What it gives is for test/sql.
#include <gtest/gtest.h>

#include <algorithm>
#if !defined(__clang__)  // GCC 12 sees that in <regex> with the sanitizers, and is wrong
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#endif
#include <regex>
#include <set>

#include "core/json.hpp"
#include "core/quote.hpp"
#include "model/params.hpp"
#include "transform/columns.hpp"
#include "transform/order.hpp"
#include "transform/registry.hpp"
#include "transform/union.hpp"

namespace etl::transform {
namespace {

constexpr const char* kHostile = "x\"; DROP TABLE y; --";

Input input_of(const std::string& id) {
  return {id,
          "(SELECT FROM " + id + "_marker) AS " + quote_name(id),
          {{"id", "integer"},
           {"name", "character varying(20)", "character varying"},
           {"pay", "numeric(10,2)", "numeric"},
           {"at", "timestamp with time zone"},
           {"doc", "pg_catalog.jsonb"},
           {"odd desc", "public.citext", "public.citext", "OPERATOR(public.=)", "OPERATOR(public.<)"},
           {kHostile, "integer"}}};
}

// The columns but id, under other names: for joins.
Input other_input() {
  Input input = input_of("b");
  for (Column& column : input.columns) {
    if (column.name != "id") column.name += "_b";
  }
  return input;
}

Function look_up(const std::string& signature) {
  return {"app.score", "app.row_in", {"id", kHostile}, signature.ends_with("[])")};
}

Rule compile(const std::string& op, const std::string& params, bool checked = true) {
  const Transform& transform = *find(op);
  const json::Document document = json::parse(params, "params");
  std::vector<model::Finding> findings;
  model::check_params("step", transform.about.params_schema, document, findings);
  if (checked) {
    EXPECT_TRUE(findings.empty()) << op << params << findings[0].message;
  }
  Call call{"step", document, {input_of("a")}, 500, look_up};
  if (transform.least_inputs > 1) call.inputs.push_back(other_input());
  return transform.compile(call);
}

std::string refusal(const std::string& op, const std::string& params) {
  try {
    (void)compile(op, params);
    return "";
  } catch (const Error& error) {
    return error.sqlstate;
  }
}

const std::string kName = R"("x\"; DROP TABLE y; --")";

// One or more of each operator, with every param once; user's expressions are of words and numbers only.
const std::vector<std::pair<std::string, std::string>> kCalls = {
    {"aggregate", R"({"group_by": [)" + kName + R"(], "columns": {"it's \"n\"": "1"}})"},
    {"cast", R"({"columns": {)" + kName + R"(: "bigint"}})"},
    {"check", R"({"severity": "quarantine", "rules": [
        {"rule": "not_null", "columns": ["id", )" +
                  kName + R"(]}, {"rule": "unique", "columns": ["id", "odd desc"]},
        {"rule": "unique", "column": )" +
                  kName + R"(}, {"rule": "range", "column": "odd desc", "min": "a'b", "max": "c\\d"},
        {"rule": "regex", "column": "name", "pattern": "^'\\d\"$"}, {"rule": "in_set", "column": "odd desc", "values": ["a'", 1, true]},
        {"rule": "foreign_key", "columns": ["id", )" +
                  kName + R"(], "table": "films", "references": ["film id", "x\"y"]},
        {"rule": "expression", "expression": "true", "name": "it's \"mine\""}, {"rule": "row_count", "min": 1, "max": 5},
        {"rule": "freshness", "column": "at", "max_age": "1 day"}]})"},
    {"clean_nulls", "{}"},
    {"clean_nulls", R"({"strategy": "constant", "value": "it's \\ \"", "columns": ["name", )" + kName + "]}"},
    {"clean_nulls", R"({"strategy": "mean"})"},
    {"clean_nulls", R"({"strategy": "median"})"},
    {"clean_nulls", R"({"strategy": "mode", "columns": [)" + kName + "]}"},
    {"clean_nulls", R"({"strategy": "bfill", "order_by": ["id desc", )" + kName + "]}"},
    {"dedupe", R"({"keys": ["id", )" + kName + R"(], "order_by": "pay", "keep": "last"})"},
    {"derive", R"({"columns": {)" + kName + R"(: "1", "it's \"n\"": "2"}})"},
    {"drop_columns", R"({"columns": ["id"]})"},
    {"filter", R"({"where": "true"})"},
    {"function", R"_({"function": "app.score(app.row_in)"})_"},
    {"function", R"_({"function": "app.score(app.row_in[])"})_"},
    {"join", R"({"left": "a", "right": "b", "keys": ["id"], "type": "full"})"},
    {"join", R"({"left": "b", "right": "a", "keys": ["id"], "type": "anti"})"},
    {"mask", R"({"columns": {"name": "redact", "id": "redact", "pay": "hash", )" + kName + R"(: "partial"}})"},
    {"outliers", R"({"columns": ["pay", )" + kName + R"(], "action": "flag"})"},
    {"outliers", R"({"columns": ["pay", )" + kName + R"(], "method": "zscore", "action": "cap", "threshold": 2.5})"},
    {"rename_columns", R"({"columns": {)" + kName + R"(: "it's \"n\""}})"},
    {"sql", R"({"query": "SELECT 1"})"},
    {"union", "{}"},
    {"union", R"({"all": false})"},
    {"unnest_json", R"({"column": "doc", "columns": {"it's \"n\"": "text"}})"},
};

// What is left of SQL without its quoted names, which become N, and literals, which become L.
std::string without_quoted(const std::string& sql) {
  static const std::regex quoted(R"("(?:[^"]|"")*"| E'(?:[^'\\]|''|\\.)*'|'(?:[^']|'')*')");
  std::string bare;
  auto end = sql.begin();
  for (std::sregex_iterator it(sql.begin(), sql.end(), quoted); it != std::sregex_iterator(); ++it) {
    bare.append(end, (*it)[0].first).append(it->str()[0] == '"' ? "N" : "L");
    end = (*it)[0].second;
  }
  return bare.append(end, sql.end());
}

std::size_t count(const std::string& text, const std::string& part) {
  std::size_t number = 0;
  for (std::size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) ++number;
  return number;
}

TEST(Transform, EveryOperatorIsCalledHere) {
  for (const Transform& transform : all()) {
    EXPECT_TRUE(std::any_of(kCalls.begin(), kCalls.end(), [&](const auto& c) {
      return c.first == transform.about.name;
    })) << transform.about.name;
  }
}

TEST(Transform, ReadsAnInputOnce) {
  for (const auto& [op, params] : kCalls) {
    const std::string sql = compile(op, params).sql;
    EXPECT_EQ(count(sql, "a_marker"), 1u) << op << params;
    EXPECT_EQ(count(sql, "b_marker"), op == "join" || op == "union" ? 1u : 0u) << op << params;
  }
}

TEST(Transform, QuotesEveryNameAndText) {
  for (const auto& [op, params] : kCalls) {
    const Rule rule = compile(op, params);
    for (const std::string& sql : {rule.sql, rule.figures, rule.violations}) {
      const std::string bare = without_quoted(sql);
      EXPECT_EQ(bare.find_first_of("'\"\\;"), std::string::npos) << op << params << "\n" << bare;
      EXPECT_EQ(bare.find("DROP"), std::string::npos) << op << params << "\n" << bare;
      EXPECT_EQ(count(bare, "("), count(bare, ")")) << op << params << "\n" << bare;
    }
  }
}

// docs/decisions/0007: no function and no operator is found by the search_path.
TEST(Transform, QualifiesFunctionsAndOperators) {
  const std::set<std::string> syntax = {"ALL",    "AND",      "ANY",   "AS",      "BY",     "CAST",    "COALESCE",
                                        "EXISTS", "FILTER",   "FROM",  "IN",      "JOIN",   "NOT",     "ON",
                                        "OR",     "OPERATOR", "OVER",  "ROW",     "SELECT", "VALUES",  "WHEN",
                                        "WHERE",  "WITH",     "GROUP", "LATERAL", "N",      "numeric", "varying"};
  const std::regex call(R"(([\w.]+) ?\()");
  const std::regex symbols(R"([<>=+/%~!|&^#@-]|IS (NOT )?DISTINCT FROM (?!NULL\b)|NULLIF|BETWEEN|USING|LIKE|SIMILAR)");
  for (const auto& [op, params] : kCalls) {
    const Rule rule = compile(op, params);
    for (const std::string& sql : {rule.sql, rule.figures, rule.violations}) {
      const std::string bare = without_quoted(sql);
      for (std::sregex_iterator it(bare.begin(), bare.end(), call); it != std::sregex_iterator(); ++it) {
        const std::string name = (*it)[1];
        EXPECT_TRUE(syntax.contains(name) || name.starts_with("pg_catalog.") || name == "app.score")
            << op << ": " << name << "\n"
            << bare;
      }
      const std::string plain = std::regex_replace(bare, std::regex(R"(OPERATOR\(\w+\.[^)]+\))"), "O");
      std::smatch found;
      EXPECT_FALSE(std::regex_search(plain, found, symbols)) << op << ": " << found.str() << "\n" << plain;
    }
  }
}

TEST(Transform, CastsToTypesThatKeepTheirModifier) {
  EXPECT_NE(
      compile("clean_nulls", R"({"strategy": "mean", "columns": ["pay"]})").sql.find("AS numeric(10,2)) AS \"pay\""),
      std::string::npos);
  // A bound is compared as it is, whatever the column's modifier.
  EXPECT_NE(compile("check", R"({"rules": [{"rule": "range", "column": "pay", "max": 1e9}]})")
                .violations.find("CAST('1000000000' AS numeric) OPERATOR(pg_catalog.<) \"a\".\"pay\""),
            std::string::npos);
}

TEST(Transform, ComparesWithTheOperatorsOfTheType) {
  const std::string sql =
      compile("check", R"({"rules": [{"rule": "in_set", "column": "odd desc", "values": ["x"]}]})").violations;
  EXPECT_NE(sql.find("\"a\".\"odd desc\" OPERATOR(public.=) ANY (ARRAY[CAST('x' AS public.citext)])"),
            std::string::npos)
      << sql;
}

TEST(Order, TakesNamesAndDirections) {
  const Input input = input_of("a");
  auto order = [&](const std::string& param, bool reversed = false) {
    const json::Document params = json::parse("{\"by\": " + param + "}", "params");
    return order_list(read_order({"step", params, {}}, "by", input), input, reversed);
  };
  EXPECT_EQ(order(R"("id")"), "\"a\".\"id\" ASC NULLS LAST");
  EXPECT_EQ(order(R"("id")", true), "\"a\".\"id\" DESC NULLS FIRST");
  EXPECT_EQ(order(R"(["id DESC", "pay asc"])"), "\"a\".\"id\" DESC NULLS FIRST, \"a\".\"pay\" ASC NULLS LAST");
  EXPECT_EQ(order(R"("id Desc  nulls\tLAST")"), "\"a\".\"id\" DESC NULLS LAST");
  EXPECT_EQ(order(R"("id asc nulls first")", true), "\"a\".\"id\" DESC NULLS LAST");
  EXPECT_EQ(order(R"("odd desc")"), "\"a\".\"odd desc\" ASC NULLS LAST");
  EXPECT_EQ(order(R"("odd desc desc")"), "\"a\".\"odd desc\" DESC NULLS FIRST");
  for (const char* wrong : {R"("id nulls")", R"("iddesc")", R"("desc")", R"(" desc")", R"("id first")", R"("")"}) {
    EXPECT_THROW((void)order(wrong), Error) << wrong;
  }
}

TEST(Params, AreRefusedWhereTheyMeanNothing) {
  EXPECT_EQ(refusal("clean_nulls", R"({"strategy": "constant"})"), "22023");
  EXPECT_EQ(refusal("clean_nulls", R"({"strategy": "mode", "value": 1})"), "22023");
  EXPECT_EQ(refusal("clean_nulls", R"({"strategy": "bfill"})"), "22023");
  EXPECT_EQ(refusal("clean_nulls", R"({"strategy": "mean", "columns": ["name"]})"), "42804");
  EXPECT_EQ(refusal("clean_nulls", R"({"strategy": "constant", "value": "äöüäöüäöüäöüäöüäöüäö", "columns": ["name"]})"),
            "");
  EXPECT_EQ(
      refusal("clean_nulls", R"({"strategy": "constant", "value": "äöüäöüäöüäöüäöüäöüäöü", "columns": ["name"]})"),
      "22001");
  EXPECT_EQ(refusal("join", R"({"left": "a", "right": "b"})"), "22023");
  EXPECT_EQ(refusal("join", R"({"left": "a", "right": "a", "keys": ["id"]})"), "22023");
  EXPECT_EQ(refusal("join", R"({"left": "a", "right": "b", "keys": ["name"]})"), "42703");
  EXPECT_EQ(refusal("function", R"_({"function": "app.score(app.row_in)"})_"), "");
  EXPECT_EQ(refusal("outliers", R"({"columns": ["name"]})"), "42804");
  EXPECT_EQ(refusal("check", R"({"rules": [{"rule": "unique", "column": "id"}, {"rule": "unique", "column": "id"}]})"),
            "42710");
  EXPECT_EQ(refusal("unnest_json", R"({"column": "name", "columns": {"a": "int"}})"), "42804");
}

}  // namespace
}  // namespace etl::transform

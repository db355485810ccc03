// The SQL that is generated.
#include <gtest/gtest.h>

#include "compile/page.hpp"
#include "compile/upsert.hpp"
#include "core/quote.hpp"

namespace etl::compile {
namespace {

TEST(Quote, LeavesNoWayOut) {
  EXPECT_EQ(quote_name("a"), "\"a\"");
  EXPECT_EQ(quote_name("a\"; DROP TABLE x; --"), "\"a\"\"; DROP TABLE x; --\"");
  EXPECT_EQ(name_list({"a", "b"}, "t."), "t.\"a\", t.\"b\"");
}

TEST(Page, NeverUsesOffsetAndNeverSplitsTies) {
  Page page;
  page.source = "SELECT * FROM film -- comment";
  page.order = {"k", "id"};
  page.operators.resize(2);
  page.after = true;
  page.upper = Upper::kFirstBelow;
  page.limit = 200;
  EXPECT_EQ(page_sql(page),
            "SELECT * FROM (SELECT * FROM film -- comment\n) AS _etl_row WHERE (\"k\", \"id\") "
            "OPERATOR(pg_catalog.>) ($1, $2) AND \"k\" OPERATOR(pg_catalog.<) $3 ORDER BY \"k\", \"id\" FETCH FIRST "
            "200 ROWS WITH TIES");
  page.after = false;
  page.after_first = true;
  page.upper = Upper::kKeyIncluded;
  EXPECT_NE(page_sql(page).find("WHERE \"k\" OPERATOR(pg_catalog.>=) $1 AND (\"k\", \"id\") OPERATOR(pg_catalog.<=) "
                                "($2, $3)"),
            std::string::npos);
}

TEST(Page, ComparesColumnsWhoseOperatorsHaveOtherNames) {
  Page page;
  page.source = "SELECT 1";
  page.order = {"a", "b", "c"};
  page.operators.resize(3);
  page.operators[1] = {"OPERATOR(x.<)", "OPERATOR(x.<=)", "OPERATOR(x.=)", "OPERATOR(x.>=)", "OPERATOR(x.>)"};
  page.after = true;
  EXPECT_NE(page_sql(page).find("WHERE \"a\" OPERATOR(pg_catalog.>=) $1 AND (\"a\" OPERATOR(pg_catalog.>) $1 OR "
                                "\"b\" OPERATOR(x.>=) $2 AND (\"b\" OPERATOR(x.>) $2 OR "
                                "\"c\" OPERATOR(pg_catalog.>) $3))"),
            std::string::npos);
}

TEST(Page, LeavesOutNullsThatNoBoundExcludes) {
  Page page;
  page.source = "SELECT 1";
  page.order = {"k", "id"};
  page.operators.resize(2);
  page.not_null = {"k", "id"};
  EXPECT_NE(page_sql(page).find("WHERE \"k\" IS NOT NULL AND \"id\" IS NOT NULL ORDER BY"), std::string::npos);
  page.after = true;
  EXPECT_NE(page_sql(page).find("($1, $2) AND \"id\" IS NOT NULL ORDER BY"), std::string::npos);
}

TEST(Page, KeepsTheSourcesOrderForEqualKeys) {
  Page page;
  page.source = "SELECT 1 AS id";
  page.order = {"id"};
  page.operators.resize(1);
  page.keep_source_order = true;
  EXPECT_NE(page_sql(page).find("row_number() OVER ()"), std::string::npos);
  EXPECT_EQ(page_sql(page).find("FETCH"), std::string::npos);
}

Upsert upsert() {
  Upsert u;
  u.target = "analytics.t";
  u.columns = {{"id", "", true, true, "", {}},
               {"a", "", false, true, "pg_catalog.text", {}},
               {"n", "numeric(10,2)", false, true, "", {}}};
  return u;
}

TEST(Upsert, MergeSkipsWhatIsEqual) {
  const std::string sql = merge_sql(upsert());
  EXPECT_NE(sql.find("WHEN MATCHED AND (etl.image_differs(CAST(t.\"a\" AS pg_catalog.text), CAST(s.\"a\" AS "
                     "pg_catalog.text)) OR etl.image_differs(t.\"n\", s.\"n\"))"),
            std::string::npos);
  EXPECT_NE(sql.find("CAST(\"n\" AS numeric(10,2)) AS \"n\""), std::string::npos);
  EXPECT_EQ(sql.find("SET \"id\""), std::string::npos);
  EXPECT_EQ(sql.find("$1"), std::string::npos);
  EXPECT_NE(merge_sql(upsert(), "id")
                .find("t.\"id\" OPERATOR(pg_catalog.>=) $1 AND t.\"id\" "
                      "OPERATOR(pg_catalog.<=) $2"),
            std::string::npos);
}

TEST(Upsert, OnConflictJoinsTheTargetFirst) {
  const std::string sql = on_conflict_sql(upsert());
  EXPECT_NE(sql.find("LEFT JOIN analytics.t AS o"), std::string::npos);
  EXPECT_NE(sql.find("ON CONFLICT (\"id\") DO UPDATE SET"), std::string::npos);
}

TEST(Upsert, KeysAloneAreOnlyInserted) {
  Upsert u;
  u.target = "t";
  u.columns = {{"id", "", true, true, "", {}}};
  EXPECT_EQ(merge_sql(u).find("UPDATE"), std::string::npos);
  EXPECT_NE(on_conflict_sql(u).find("DO NOTHING"), std::string::npos);
}

TEST(Upsert, LastOfEachKey) {
  EXPECT_NE(last_of_each_key_sql(upsert()).find("DISTINCT ON ((_etl_row).\"id\")"), std::string::npos);
  Upsert cast = upsert();
  cast.columns[0].cast = "date";
  EXPECT_NE(last_of_each_key_sql(cast).find("DISTINCT ON (CAST((_etl_row).\"id\" AS date))"), std::string::npos);
}

}  // namespace
}  // namespace etl::compile

// What may be the url of a server of TYPE 'postgres': one host, and nothing that says who comes.
#include "remote/postgres_url.hpp"

#include <gtest/gtest.h>

#include "unit/error_of.hpp"

namespace etl::remote {
namespace {

TEST(PostgresUrl, TellsItsParts) {
  const PostgresUrl url = parse_postgres_url("postgresql://Db.Example:6432/sales%20x?sslmode=verify-full");
  EXPECT_EQ(url.text, "postgresql://Db.Example:6432/sales%20x");
  EXPECT_EQ(url.host, "Db.Example");
  EXPECT_EQ(url.port, 6432);
  EXPECT_EQ(url.database, "sales x");
  EXPECT_EQ(url.sslmode, "verify-full");
  const PostgresUrl plain = parse_postgres_url("postgres://[::1]/x");
  EXPECT_EQ(plain.host, "::1");
  EXPECT_EQ(plain.port, 5432);
  EXPECT_EQ(plain.sslmode, "");
  EXPECT_EQ(parse_postgres_url("postgresql://h/x?sslmode=%64isable").sslmode, "disable");
}

TEST(PostgresUrl, IsToldFromOthers) {
  EXPECT_TRUE(is_postgres_url("postgresql://h/x"));
  EXPECT_TRUE(is_postgres_url("postgres://h/x"));
  for (const char* other : {"", "postgresql:/h/x", "Postgresql://h/x", " postgresql://h/x", "https://h/x", "host=h"}) {
    EXPECT_FALSE(is_postgres_url(other)) << other;
    EXPECT_EQ(error_of([&] { parse_postgres_url(other); }).sqlstate, "22023") << other;
  }
}

TEST(PostgresUrl, RefusesWhatLeadsElsewhere) {
  for (const char* url : {"postgresql://",
                          "postgresql:///x",
                          "postgresql://h",
                          "postgresql://h/",
                          "postgresql://:5432/x",
                          "postgresql://a,b/x",
                          "postgresql://a%2Cb/x",
                          "postgresql://h:1,2/x",
                          "postgresql://%2Ftmp/x",
                          "postgresql://%40abstract/x",
                          "postgresql://h:0/x",
                          "postgresql://h:65536/x",
                          "postgresql://h:+1/x",
                          "postgresql://h:1x/x",
                          "postgresql://h:99999999999999999999/x",
                          "postgresql://[::1/x",
                          "postgresql://h/%",
                          "postgresql://h/a%00b",
                          "postgresql://h/x?",
                          "postgresql://h/x?sslmode=",
                          "postgresql://h/x?sslmode=perhaps",
                          "postgresql://h/x?sslmode=require&host=b",
                          "postgresql://h/x?sslmode=require&sslmode=disable",
                          "postgresql://h/x?sslmode=require%26host=b",
                          "postgresql://h/x?host=b",
                          "postgresql://h/x?hostaddr=10.0.0.1",
                          "postgresql://h/x?%68ost=b",
                          "postgresql://h/x?service=other",
                          "postgresql://h/x?dbname=y",
                          "postgresql://h/x?options=-c%20role%3Dx",
                          "postgresql://h/x?nonsense=1"}) {
    const Error error = error_of([&] { parse_postgres_url(url); });
    EXPECT_EQ(error.sqlstate, "22023") << url;
    EXPECT_FALSE(error.hint.empty()) << url;
  }
}

TEST(PostgresUrl, HasNoCredentialsAndNeverQuotesThem) {
  for (const char* url :
       {"postgresql://canary@h/x", "postgresql://me:canary@h/x", "postgresql://:canary@h/x",
        "postgresql://me%3Acanary@h/x", "postgresql://h/x?user=canary", "postgresql://h/x?password=canary",
        "postgresql://h/x?sslmode=require&password=canary", "postgresql://me:canary@h:port/x",
        "postgresql://me:canary@/x", "postgresql://me:canary@[h/x", "postgresql://?sslmode=canary@h/x"}) {
    const Error error = error_of([&] { parse_postgres_url(url); });
    EXPECT_EQ(error.sqlstate, "22023") << url;
    EXPECT_EQ((error.message + error.detail + error.hint).find("canary"), std::string::npos) << url;
  }
  for (const char* url : {"postgresql://me@h/x", "postgresql://:pw@h/x"}) {
    EXPECT_EQ(error_of([&] { parse_postgres_url(url); }).message, "URL must not contain a user name or password");
  }
}

}  // namespace
}  // namespace etl::remote

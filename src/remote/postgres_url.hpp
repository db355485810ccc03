// The url of a server of TYPE 'postgres'.
#pragma once

#include <string>
#include <string_view>

namespace etl::remote {

struct PostgresUrl {
  std::string text;  // without the query
  std::string host;
  int port = 5432;
  std::string database;
  std::string sslmode;  // "": not given
};

bool is_postgres_url(std::string_view text);

// postgresql://host[:port]/database[?sslmode=…], read by libpq. Error 22023 for anything else in it: credentials belong
// into the user mapping, and several hosts, sockets and other parameters of libpq are not supported.
PostgresUrl parse_postgres_url(const std::string& text);

}  // namespace etl::remote

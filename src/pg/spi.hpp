// SQL as text in, text out: for our own catalog and for small look-ups. Batches never pass here (pg/statement.hpp).
//
// Parameters are $1, $2, … of type text: the SQL casts them ($1::bigint). Values come back through their type's output
// function. Every statement is planned once a session: `sql` must be a string literal, its address is the key.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace etl::pg {

using Text = std::optional<std::string>;
using Row = std::vector<Text>;
using Rows = std::vector<Row>;

// Runs as the session's user, with the session's search_path.
Rows query(const char* sql, const std::vector<Text>& arguments = {});
// The same for SQL that is made at run time: never cached.
Rows query_once(const std::string& sql, const std::vector<Text>& arguments = {});

// Runs with the rights of the extension's owner, with search_path = pg_catalog, pg_temp: the narrow switch of
// safety.md. Only for fixed statements on the tables of schema etl and on PostgreSQL's own catalogs. Each call sees the
// newest committed data, also in a REPEATABLE READ transaction when `latest` is asked for.
Rows catalog_query(const char* sql, const std::vector<Text>& arguments = {});
Rows catalog_query_latest(const char* sql, const std::vector<Text>& arguments = {});
// Rows processed by the last statement of this room (INSERT, UPDATE, DELETE without RETURNING).
std::uint64_t processed();

}  // namespace etl::pg

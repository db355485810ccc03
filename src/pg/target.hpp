// What PostgreSQL's catalog says of a table that a pipeline is to write.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "pg/relation.hpp"

namespace etl::pg {

struct TargetColumn {
  std::string name;
  unsigned type = 0;
  int typmod = -1;
  unsigned collation = 0;
  bool not_null = false;
  bool has_default = false;
  bool generated = false;        // GENERATED … STORED: never written
  bool identity_always = false;  // inserted with OVERRIDING SYSTEM VALUE, never SET
};

struct TargetTable {
  unsigned oid = 0;
  std::string name;        // quoted and qualified
  std::string plain_name;  // schema.table, unquoted: what the allow-list is compared with
  unsigned owner = 0;
  char kind = 'r';  // relkind
  bool has_rules = false;
  std::vector<TargetColumn> columns;
  std::vector<std::string> primary_key;
  bool key_is_unique = false;  // of the key columns asked for: a valid, immediate, full unique index on just them
};

// What writing a table needs; bits.
enum Privileges : unsigned { kSelect = 1, kInsert = 2, kUpdate = 4, kDelete = 8 };
std::string privilege_list(unsigned privileges);  // as GRANT takes them

// Looks "schema.table" or "table" up with the session's search_path. nullopt when it does not exist. Takes no lock, and
// says no more than oid, names, owner and kind.
std::optional<TargetTable> look_up_target(const std::string& name);
// All of it, locked as a writer does until the end of the transaction; 42501 instead of the lock when the current user
// has not all of `privileges`. key: the columns for key_is_unique.
std::optional<TargetTable> find_target(const std::string& name, const std::vector<std::string>& key,
                                       unsigned privileges);

// The name as SQL, its parts quoted where needed. Error 42602 when it cannot be read.
std::string quoted_target(const std::string& name);

// Whether a usable unique index is on just that column.
bool is_unique_column(unsigned table, int column);

// The first of `privileges` that `role` lacks on the table, or "".
std::string missing_privilege(unsigned role, unsigned table, unsigned privileges);

// Kind of relation in words: "a view", "a foreign table", …
std::string kind_in_words(char relkind);

}  // namespace etl::pg

// The SQL that writes a batch (a relation named input) into a table.
//
// Rows that the table already holds in the same stored image are not written: no WAL, no dead tuple (internals.md 13).
// MERGE is the quick form, and INSERT where the target has no row among the batch's keys; ON CONFLICT is the one that
// also holds against concurrent inserts, used after a 23505. Everything is qualified; IS DISTINCT FROM cannot be, and
// so is not used (docs/decisions/0007).
#pragma once

#include <string>
#include <vector>

#include "compile/operators.hpp"

namespace etl::compile {

struct UpsertColumn {
  std::string name;
  std::string cast;  // SQL type to cast the input to before it is compared; empty: the same type
  bool key = false;
  bool set = true;  // may stand in UPDATE SET (an ALWAYS identity may not)
  // SQL type to cast both values to before their images are compared: text of char(n), whose blanks at the end do not
  // count, and what a domain is made of where the input is that; empty: they are of one type.
  std::string image = {};
  Operators operators;
  std::string constant = {};  // SQL that stands for it, since the input has no such column; empty: it has
};

struct Upsert {
  std::string target;  // quoted and qualified
  std::vector<UpsertColumn> columns;
  bool elsewhere = false;       // in a database that may lack this extension
  bool keys_may_merge = false;  // keys of the input that differ may be one key in the target's type
};

// With a range_column, $1 and $2 bound that column of the target to the keys of the batch, so that one index range scan
// finds all of them (docs/decisions/0006).
std::string merge_sql(const Upsert& upsert, const std::string& range_column = {});
// The rows of the input that merge_sql would write: a SELECT does not fetch the target's row once more, nor carry a
// copy of each row of the input along, as MERGE does for those that it then leaves alone.
std::string changed_sql(const Upsert& upsert, const std::string& range_column = {});
// For a batch between whose first and last key the target holds nothing: in_range_sql finds no row.
std::string insert_sql(const Upsert& upsert);
std::string in_range_sql(const Upsert& upsert, const std::string& range_column);
std::string on_conflict_sql(const Upsert& upsert);

// What putting the input, in which no key is twice, in place of all rows would do: as text "inserted", "updated" and
// "deleted".
std::string replaced_sql(const Upsert& upsert);

// How many rows of the input have a key that the target has not.
std::string count_new_sql(const Upsert& upsert);

// The distinct keys of the input, as jsonb objects in the target's types, and for each the target's row: "key" and
// "row", both text, in no particular order. valid_to: of several rows with the key, the one where this column is null.
std::string images_sql(const Upsert& upsert, const std::string& valid_to = {});

// Keeps, of the rows of input whose keys are equal in the target's types, the last one.
std::string last_of_each_key_sql(const Upsert& upsert);

}  // namespace etl::compile

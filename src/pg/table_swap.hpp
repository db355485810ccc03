// All rows of a table replaced by a new file in place of its old one, as REFRESH MATERIALIZED VIEW does it: the table
// keeps its OID, and with it grants, views, comments and indexes, which are built anew.
//
// Protocol, in one transaction: try_lock(kWriters), make_file(), Statement::fill(), try_lock(kAll), swap_file(). A
// failure, or a subtransaction that is rolled back, leaves the old file.
//
// The new rows are frozen, so that a transaction with an older snapshot, which could not see them otherwise, finds all
// of them instead of an empty table.
#pragma once

#include <cstdint>

namespace etl::pg {

// Whether a new file would do all that DELETE and INSERT of every row do, and the current user has the privilege
// TRUNCATE. Not with triggers (foreign keys to or from the table are some), policies, rules, inheritance, partitions,
// when it is in a publication or its database has a logical slot (a slot that is made after make_file() waits for this
// transaction), or when this transaction has it in use.
bool may_swap(unsigned table);

enum class Lock {
  kWriters,  // EXCLUSIVE: it is read by others, but not written
  kAll,      // ACCESS EXCLUSIVE
};
// Until the end of the transaction. False: somebody else has a lock that is in the way; nobody is made to wait.
bool try_lock(unsigned table, Lock lock);

std::uint64_t table_bytes(unsigned table);  // of the main file

// A new file for the table: a table without indexes.
unsigned make_file(unsigned table);
// Puts it in place of the old one and builds the indexes. rows: how many were filled in. Error 23505 when an index
// finds a key twice.
void swap_file(unsigned table, unsigned file, std::uint64_t rows);

}  // namespace etl::pg

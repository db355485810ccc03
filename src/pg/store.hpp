// The inside of a Relation, for pg/*.cpp only: a C struct, so that guarded blocks may hold it.
#pragma once

#include "pg/headers.hpp"
#include "pg/relation.hpp"

extern "C" {
#include "tcop/dest.h"
#include "utils/tuplestore.h"
#include "utils/typcache.h"
}

namespace etl::pg {

// One watched column: how its values are compared, copied and kept.
struct WatchedColumn {
  int index;
  bool by_value;
  int16 length;
  FmgrInfo equal;
  FmgrInfo hash;
  bool comparable;
  bool hashable;
  Oid collation;
  Datum last;
  bool last_null;
  Datum first;
  bool first_null;
};

struct Relation::Store {
  MemoryContext memory;   // the struct, the store, the descriptor
  MemoryContext scratch;  // for one row's comparison and detoasting; reset after it
  TupleDesc shape;        // with the collations in which columns are compared
  Oid* delivered;         // those in which the columns arrive
  Tuplestorestate* tuples;
  TupleTableSlot* reader;
  bool keep;
  std::uint64_t rows;
  std::uint64_t bytes;
  std::uint64_t null_keys;
  bool repeats;
  bool any;
  bool repetition;  // of keys is watched
  bool sorted_by_key;
  int positions;
  int keys;
  int watched;  // columns up to the last one of both
  WatchedColumn* position;
  WatchedColumn* key;
  struct HashSet* seen;
  int mark_pointer;
  int peek_pointer;
};

// Appends the row in `slot`. C only.
void store_append(Relation::Store* store, TupleTableSlot* slot);
// Whether the row has a NULL in a watched key or position column. C only.
bool has_null_key(const Relation::Store* store, TupleTableSlot* slot);
// A receiver that appends to the store. C only; lives in the current memory context.
DestReceiver* store_receiver(Relation::Store* store);
// Whether the row in `slot` has the position that `page` saw last. C only.
bool continues_page(Relation::Store* page, TupleTableSlot* slot);
// Empties it. The new tuplestore belongs to no transaction: a temporary file of it lives until it is cleared or ended.
// C only.
void store_clear(Relation::Store* store);
// Reads the next row into store->reader. C only.
bool store_next(Relation::Store* store);

}  // namespace etl::pg

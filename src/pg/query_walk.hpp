// What an analysed query reads and calls. For pg/*.cpp only. C only.
#pragma once

#include "pg/headers.hpp"

extern "C" {
#include "nodes/parsenodes.h"
}

// 15 declares its tree walkers' callbacks without parameters.
#if PG_VERSION_NUM >= 160000
#define ETL_WALKER(callback) (callback)
#else
#define ETL_WALKER(callback) reinterpret_cast<bool (*)()>(reinterpret_cast<void (*)()>(callback))
#endif

namespace etl::pg {

// Lists in the current memory context.
struct Found {
  List* tables;     // Oid: every table, view, … that is read, also through views
  List* functions;  // Oid: every function called, also through operators, casts, domains and views
  List* types;      // Oid: of every value that is read, written down or cast
  bool outer_joins;
};

Found walk_query(Query* query);

// It does not belong to a superuser.
bool is_foreign_function(Oid function);

}  // namespace etl::pg

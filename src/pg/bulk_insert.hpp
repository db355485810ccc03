// INSERT of a relation's rows many at a time, as COPY FROM does it: pages of the table are filled and logged at once.
// For pg/*.cpp only.
//
// The planner has made the INSERT: casts, defaults, the order of columns, rights. What is run is the scan below its
// ModifyTable, into a receiver that stands for that node. Where it would not do the same, ModifyTable stays: triggers
// (foreign keys are some), generated columns, columns of domains, partitions, policies of row security, ON CONFLICT,
// another access method than heap, and volatile functions in defaults and CHECKs, which may look at the table.
//
// One thing differs: of several bad rows, one that breaks a NOT NULL or CHECK may be told before an earlier one whose
// key is there already.
#pragma once

#include "pg/headers.hpp"

extern "C" {
#include "executor/execdesc.h"
#include "tcop/dest.h"
}

namespace etl::pg {

// The statement that delivers the rows of an INSERT, in the columns of its table; nullptr: it has to be run itself. The
// table is locked. C only; lives in the current memory context.
PlannedStmt* rows_to_insert(PlannedStmt* insert);
// Takes them. C only.
DestReceiver* bulk_receiver();
// Between ExecutorStart and ExecutorRun of rows_to_insert(insert), which writes into that receiver: opens the table.
// file: where the rows go instead, frozen and without indexes (pg/table_swap.hpp); or InvalidOid. C only.
void open_bulk(DestReceiver* receiver, const PlannedStmt* insert, EState* estate, Oid file);

}  // namespace etl::pg

// How: the check of a READ ONLY transaction is made when a statement starts. A whole READ ONLY transaction would also
// refuse nextval(), which harmless functions use, and the batch writes in the same transaction. This is an extra: what
// contains a source is that it runs with its owner's rights (safety.md M11).
#include "pg/read_only.hpp"

#include "pg/headers.hpp"

extern "C" {
#include "access/xact.h"
#include "executor/executor.h"
#include "tcop/utility.h"
}

namespace etl::pg {

namespace {

int depth = 0;
bool hooked = false;
ExecutorStart_hook_type next_start = nullptr;
ProcessUtility_hook_type next_utility = nullptr;

void start(QueryDesc* query, int flags) {
  const bool was = XactReadOnly;
  PG_TRY();
  {
    XactReadOnly = was || depth > 0;
    if (next_start != nullptr) {
      next_start(query, flags);
    } else {
      standard_ExecutorStart(query, flags);
    }
  }
  PG_FINALLY();
  { XactReadOnly = was; }
  PG_END_TRY();
}

void utility(PlannedStmt* statement, const char* text, bool read_only_tree, ProcessUtilityContext context,
             ParamListInfo parameters, QueryEnvironment* environment, DestReceiver* receiver,
             QueryCompletion* completion) {
  const bool was = XactReadOnly;
  PG_TRY();
  {
    XactReadOnly = was || depth > 0;
    if (next_utility != nullptr) {
      next_utility(statement, text, read_only_tree, context, parameters, environment, receiver, completion);
    } else {
      standard_ProcessUtility(statement, text, read_only_tree, context, parameters, environment, receiver, completion);
    }
  }
  PG_FINALLY();
  { XactReadOnly = was; }
  PG_END_TRY();
}

}  // namespace

ReadOnlyScope::ReadOnlyScope() {
  if (!hooked) {
    next_start = ExecutorStart_hook;
    ExecutorStart_hook = start;
    next_utility = ProcessUtility_hook;
    ProcessUtility_hook = utility;
    hooked = true;
  }
  ++depth;
}

ReadOnlyScope::~ReadOnlyScope() {
  --depth;
}

}  // namespace etl::pg

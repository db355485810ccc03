#include "pg/statement.hpp"

#include "pg/bulk_insert.hpp"
#include "pg/foreign_code.hpp"
#include "pg/guard.hpp"
#include "pg/large_tables.hpp"
#include "pg/plan_shape.hpp"
#include "pg/sorted_input.hpp"
#include "pg/standard_strings.hpp"
#include "pg/store.hpp"

extern "C" {
#include "access/parallel.h"
#include "access/xact.h"
#include "catalog/pg_type.h"
#include "commands/explain.h"
#include "executor/executor.h"
#include "executor/instrument.h"
#include "executor/spi.h"
#include "nodes/execnodes.h"
#include "utils/guc.h"
#include "utils/lsyscache.h"
#include "utils/plancache.h"
#include "utils/queryenvironment.h"
#include "utils/snapmgr.h"
}
#if PG_VERSION_NUM >= 180000
extern "C" {
#include "commands/explain_format.h"
#include "commands/explain_state.h"
}
#endif

namespace etl::pg {

struct Statement::Plan {
  MemoryContext memory;
  SPIPlanPtr saved;
  Planning planning;
  int inputs;
  EphemeralNamedRelation* input;
  SortedInput sorted;  // the first input, of a plan by key range
  int parameters;
  Oid* type;
  ParamListInfo values;
};

namespace {

// C only.
EphemeralNamedRelation describe_input(const char* name, Relation::Store* store, double rows) {
  auto enr = static_cast<EphemeralNamedRelation>(palloc0(sizeof(EphemeralNamedRelationData)));
  enr->md.name = pstrdup(name);
  enr->md.reliddesc = InvalidOid;
  enr->md.tupdesc = store->shape;
  enr->md.enrtype = ENR_NAMED_TUPLESTORE;
  enr->md.enrtuples = rows;
  enr->reldata = store->tuples;
  return enr;
}

void register_inputs(Statement::Plan* plan) {
  for (int i = 0; i < plan->inputs; ++i) {
    if (SPI_register_relation(plan->input[i]) != SPI_OK_REL_REGISTER) {
      elog(ERROR, "could not register relation \"%s\"", plan->input[i]->md.name);
    }
  }
}

QueryEnvironment* environment(Statement::Plan* plan) {
  QueryEnvironment* env = create_queryEnv();
  for (int i = 0; i < plan->inputs; ++i) register_ENR(env, plan->input[i]);
  return env;
}

void plan_setting(const char* name) {
  (void)set_config_option(name, "off", PGC_USERSET, PGC_S_SESSION, GUC_ACTION_SAVE, true, 0, false);
}

void plan_settings(const Statement::Plan* plan) {
  if (plan->planning == Planning::kOrdered) {
    plan_setting("enable_sort");
    return;
  }
  plan_setting("enable_seqscan");
  plan_setting("enable_bitmapscan");
  const bool by_range = plan->planning == Planning::kKeyRange;
  plan_setting(by_range ? "enable_nestloop" : "enable_hashjoin");
  // An input that has to be sorted first is joined by hash.
  plan_setting(plan->sorted.columns > 0 ? "enable_hashjoin" : "enable_mergejoin");
}

// The generic plan, made under the settings that `planning` asks for. Inside SPI_connect.
CachedPlan* planned(Statement::Plan* plan) {
  if (plan->planning == Planning::kFree) return checked_plan(plan->saved);
  const int level = NewGUCNestLevel();
  plan_settings(plan);
  CachedPlan* cached = nullptr;
  announce_sorted(plan->sorted.columns > 0 ? &plan->sorted : nullptr);
  plan_as_large(plan->planning == Planning::kIndexProbe);
  PG_TRY();
  { cached = checked_plan(plan->saved); }
  PG_FINALLY();
  {
    announce_sorted(nullptr);
    plan_as_large(false);
  }
  PG_END_TRY();
  AtEOXact_GUC(true, level);
  return cached;
}

void bind(Statement::Plan* plan, const char* const* text) {
  plan->values = plan->parameters == 0 ? nullptr : makeParamList(plan->parameters);
  for (int i = 0; i < plan->parameters; ++i) {
    ParamExternData* value = &plan->values->params[i];
    Oid input;
    Oid io_parameter;
    getTypeInputInfo(plan->type[i], &input, &io_parameter);
    value->ptype = plan->type[i];
    value->pflags = PARAM_FLAG_CONST;
    value->isnull = text[i] == nullptr;
    value->value = OidInputFunctionCall(input, const_cast<char*>(text[i]), io_parameter, -1);
  }
}

Modified count(QueryDesc* query, CmdType command) {
  Modified done;
  const auto total = static_cast<std::uint64_t>(query->estate->es_processed);
  if (query->operation == CMD_SELECT) {
    (command == CMD_INSERT ? done.inserted : done.selected) = total;
  } else if (query->operation == CMD_MERGE) {
    auto* state = castNode(ModifyTableState, query->planstate);
    done.inserted = static_cast<std::uint64_t>(state->mt_merge_inserted);
    done.updated = static_cast<std::uint64_t>(state->mt_merge_updated);
    done.deleted = static_cast<std::uint64_t>(state->mt_merge_deleted);
  } else if (query->operation == CMD_INSERT) {
    // ON CONFLICT: ntuples2 are the conflicts, nfiltered1 those of them that its WHERE left as they were. One whose
    // trigger refused the update is a conflict, but not in the total.
    const Instrumentation* counters = castNode(ModifyTableState, query->planstate)->ps.instrument;
    done.updated = std::min(total, static_cast<std::uint64_t>(counters->ntuples2 - counters->nfiltered1));
    done.inserted = total - done.updated;
  } else if (query->operation == CMD_UPDATE) {
    done.updated = total;
  } else {
    done.deleted = total;
  }
  return done;
}

// Partitions are pruned by parameters as soon as a statement starts: one that is only explained has none.
#if PG_VERSION_NUM >= 160000
constexpr int kOnlyExplain = EXEC_FLAG_EXPLAIN_ONLY | EXEC_FLAG_EXPLAIN_GENERIC;
#else
constexpr int kOnlyExplain = EXEC_FLAG_EXPLAIN_ONLY;
#endif

// C only: what to explain with.
ParamListInfo unknown_values([[maybe_unused]] Statement::Plan* plan) {
#if PG_VERSION_NUM < 160000
  if (plan->parameters > 0) {
    ParamListInfo values = makeParamList(plan->parameters);
    for (int i = 0; i < plan->parameters; ++i) {
      values->params[i] = {.value = 0, .isnull = true, .pflags = PARAM_FLAG_CONST, .ptype = plan->type[i]};
    }
    return values;
  }
#endif
  return nullptr;
}

// Starts the statement, or the scan that delivers an INSERT's rows: to its table, or to `file`.
QueryDesc* start(Statement::Plan* plan, PlannedStmt* statement, DestReceiver* receiver, Oid file) {
  PlannedStmt* rows = rows_to_insert(statement);
  if (OidIsValid(file) && rows == nullptr) elog(ERROR, "the statement fills no file");
  if (rows != nullptr) receiver = bulk_receiver();
  const bool counts = statement->commandType == CMD_INSERT && rows == nullptr;
  QueryDesc* query =
      CreateQueryDesc(rows != nullptr ? rows : statement, "pg_etl batch", GetActiveSnapshot(), InvalidSnapshot,
                      receiver, plan->values, environment(plan), counts ? INSTRUMENT_ROWS : 0);
  ExecutorStart(query, 0);
  if (rows != nullptr) open_bulk(receiver, statement, query->estate, file);
  return query;
}

bool in_same_snapshot = false;
Snapshot same_snapshot = nullptr;

// The first statement's tables are locked when it is taken.
Snapshot snapshot_to_read() {
  if (!in_same_snapshot) return GetTransactionSnapshot();
  if (same_snapshot == nullptr) same_snapshot = RegisterSnapshot(GetTransactionSnapshot());
  return same_snapshot;
}

// C only. Runs the plan into `receiver`; everything it allocates goes with the SPI context.
Modified execute(Statement::Plan* plan, DestReceiver* receiver, const char* const* text, Oid file = InvalidOid) {
  SPI_connect();
  PushActiveSnapshot(GetTransactionSnapshot());
  register_inputs(plan);
  bind(plan, text);
  CachedPlan* cached = planned(plan);
  // Anew, now that the tables are locked: to an older snapshot a table that ALTER TABLE rewrote meanwhile looks empty.
  PopActiveSnapshot();
  PushActiveSnapshot(snapshot_to_read());
  auto* statement = linitial_node(PlannedStmt, cached->stmt_list);
  const bool writes = statement->commandType != CMD_SELECT;
  if (writes) {
    CommandCounterIncrement();
    UpdateActiveSnapshotCommandId();
  }
  QueryDesc* query = start(plan, statement, receiver, file);
#if PG_VERSION_NUM >= 180000
  ExecutorRun(query, ForwardScanDirection, 0);
#else
  ExecutorRun(query, ForwardScanDirection, 0, true);
#endif
  ExecutorFinish(query);
  const Modified done = count(query, statement->commandType);
  ExecutorEnd(query);
  FreeQueryDesc(query);
  ReleaseCachedPlan(cached, CurrentResourceOwner);
  PopActiveSnapshot();
  SPI_finish();
  if (writes) CommandCounterIncrement();
  return done;
}

// What the plan shows without being run.
template <class Look>
auto look_at(Statement::Plan* plan, Look look) {
  return call([&] {
    SPI_connect();
    register_inputs(plan);
    CachedPlan* cached = planned(plan);
    const auto seen = look(linitial_node(PlannedStmt, cached->stmt_list));
    ReleaseCachedPlan(cached, CurrentResourceOwner);
    SPI_finish();
    return seen;
  });
}

std::vector<const char*> texts(const Key& parameters) {
  std::vector<const char*> text;
  for (const auto& value : parameters) text.push_back(value ? value->c_str() : nullptr);
  return text;
}

// Points the inputs at the tuplestores of now: a relation that was cleared has a new one.
void refresh(Statement::Plan* plan, const std::vector<NamedRelation>& inputs) {
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    Tuplestorestate* tuples = inputs[i].relation->store()->tuples;
    plan->input[i]->reldata = tuples;
    if (tuples != nullptr) tuplestore_rescan(tuples);
  }
}

Column column_of(TupleDesc shape, int index) {
  Form_pg_attribute attribute = TupleDescAttr(shape, index);
  Column column;
  column.name = NameStr(attribute->attname);
  column.type = attribute->atttypid;
  column.typmod = attribute->atttypmod;
  column.collation = attribute->attcollation;
  return column;
}

}  // namespace

SameSnapshot::SameSnapshot() {
  in_same_snapshot = true;
}

// Before the transaction ends, also where an error ends it.
SameSnapshot::~SameSnapshot() {
  if (same_snapshot != nullptr) UnregisterSnapshot(same_snapshot);
  same_snapshot = nullptr;
  in_same_snapshot = false;
}

Statement::Statement(const std::string& sql, const std::vector<unsigned>& parameter_types,
                     const std::vector<NamedRelation>& inputs, Planning planning)
    : sql_(sql), inputs_(inputs) {
  const StandardStrings strings;
  const char* text = sql_.c_str();
  const int parameters = static_cast<int>(parameter_types.size());
  const unsigned* types = parameter_types.data();
  const NamedRelation* named = inputs_.data();
  const int count = static_cast<int>(inputs_.size());
  TupleDesc shape = nullptr;
  plan_ = call([&] {
    MemoryContext memory = AllocSetContextCreate(CurrentMemoryContext, "pg_etl statement", ALLOCSET_DEFAULT_SIZES);
    MemoryContext outer = MemoryContextSwitchTo(memory);
    auto* plan = static_cast<Plan*>(palloc0(sizeof(Plan)));
    plan->memory = memory;
    plan->planning = planning;
    plan->parameters = parameters;
    plan->type = static_cast<Oid*>(palloc(sizeof(Oid) * (parameters + 1)));
    for (int i = 0; i < parameters; ++i) plan->type[i] = types[i];
    plan->inputs = count;
    plan->input = static_cast<EphemeralNamedRelation*>(palloc(sizeof(EphemeralNamedRelation) * (count + 1)));
    for (int i = 0; i < count; ++i) {
      plan->input[i] = describe_input(named[i].name.c_str(), named[i].relation->store(), named[i].rows);
    }
    if (planning == Planning::kKeyRange) plan->sorted = sorted_input(named[0].name.c_str(), named[0].relation->store());
    MemoryContextSwitchTo(outer);
    SPI_connect();
    register_inputs(plan);
    plan->saved = SPI_prepare(text, parameters, plan->type);
    if (plan->saved == nullptr) elog(ERROR, "could not prepare: %s", SPI_result_code_string(SPI_result));
    if (list_length(SPI_plan_get_plan_sources(plan->saved)) != 1) {
      ereport(ERROR, errcode(ERRCODE_SYNTAX_ERROR), errmsg("the source must be exactly one statement"));
    }
    SPI_keepplan(plan->saved);
    auto* source = static_cast<CachedPlanSource*>(linitial(SPI_plan_get_plan_sources(plan->saved)));
    MemoryContextSwitchTo(memory);
    if (source->resultDesc != nullptr) shape = CreateTupleDescCopy(source->resultDesc);
    MemoryContextSwitchTo(outer);
    SPI_finish();
    MemoryContextSetParent(memory, TopMemoryContext);
    return plan;
  });
  if (shape == nullptr) return;
  for (int i = 0; i < shape->natts; ++i) columns_.push_back(column_of(shape, i));
}

Statement::~Statement() {
  SPI_freeplan(plan_->saved);
  MemoryContextDelete(plan_->memory);
}

void Statement::read(Relation& out, const Key& parameters) {
  const std::vector<const char*> text = texts(parameters);
  const char* const* values = text.data();
  Relation::Store* store = out.store();
  refresh(plan_, inputs_);
  call([&] { (void)execute(plan_, store_receiver(store), values); });
}

bool Statement::finds_any(const Key& parameters) {
  return modify(parameters).selected > 0;
}

Modified Statement::modify(const Key& parameters) {
  const std::vector<const char*> text = texts(parameters);
  const char* const* values = text.data();
  refresh(plan_, inputs_);
  return call([&] { return execute(plan_, None_Receiver, values); });
}

bool Statement::inserts_in_bulk() {
  return look_at(plan_, [](PlannedStmt* statement) { return rows_to_insert(statement) != nullptr; });
}

std::uint64_t Statement::fill(unsigned file) {
  refresh(plan_, inputs_);
  return call([&] { return execute(plan_, None_Receiver, nullptr, file).inserted; });
}

bool Statement::pages_are_cheap() {
  return look_at(plan_, [](PlannedStmt* statement) { return page_is_cheap(statement); });
}

double Statement::estimated_rows() {
  return look_at(plan_, [](PlannedStmt* statement) { return statement->planTree->plan_rows; });
}

std::vector<std::string> Statement::explain() {
  const char* text = call([&] {
    MemoryContext home = CurrentMemoryContext;
    SPI_connect();
    register_inputs(plan_);
    CachedPlan* cached = planned(plan_);
    ExplainState* state = NewExplainState();
    state->costs = true;
    QueryDesc* query =
        CreateQueryDesc(linitial_node(PlannedStmt, cached->stmt_list), "pg_etl explain", GetActiveSnapshot(),
                        InvalidSnapshot, None_Receiver, unknown_values(plan_), environment(plan_), 0);
    ExecutorStart(query, kOnlyExplain);
    ExplainPrintPlan(state, query);
    ExecutorEnd(query);
    FreeQueryDesc(query);
    ReleaseCachedPlan(cached, CurrentResourceOwner);
    const char* copy = MemoryContextStrdup(home, state->str->data);
    SPI_finish();
    return copy;
  });
  std::vector<std::string> lines;
  std::string line;
  for (const char* p = text; *p != '\0'; ++p) {
    if (*p != '\n') {
      line += *p;
      continue;
    }
    lines.push_back(line);
    line.clear();
  }
  if (!line.empty()) lines.push_back(line);
  return lines;
}

}  // namespace etl::pg

#include "pg/spi.hpp"

#include <unordered_map>

#include "pg/foreign_code.hpp"
#include "pg/guard.hpp"
#include "pg/headers.hpp"
#include "pg/role.hpp"

extern "C" {
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "utils/plancache.h"
#include "utils/snapmgr.h"
}

namespace etl::pg {

namespace {

std::uint64_t last_processed = 0;

// Plans by the address of their SQL text. Never freed: a session's plans end with the session.
std::unordered_map<const void*, SPIPlanPtr>& plans() {
  static auto* all = new std::unordered_map<const void*, SPIPlanPtr>();
  return *all;
}

// The result of one statement, copied to memory that outlives SPI_finish.
struct Raw {
  std::uint64_t rows;
  int columns;
  char** cell;  // rows * columns, NULL for NULL
};

// C only: runs inside pg::call.
SPIPlanPtr prepare(const char* sql, int count) {
  Oid types[32];
  for (int i = 0; i < count; ++i) types[i] = TEXTOID;
  SPIPlanPtr plan = SPI_prepare(sql, count, types);
  if (plan == nullptr) elog(ERROR, "could not prepare \"%s\": %s", sql, SPI_result_code_string(SPI_result));
  return plan;
}

Raw run(SPIPlanPtr plan, const char** values, int count, bool read_only, MemoryContext home) {
  Datum datums[32];
  char nulls[32] = {};
  for (int i = 0; i < count; ++i) {
    nulls[i] = values[i] == nullptr ? 'n' : ' ';
    datums[i] = values[i] == nullptr ? static_cast<Datum>(0) : CStringGetTextDatum(values[i]);
  }
  const int code = SPI_execute_plan(plan, datums, nulls, read_only, 0);
  if (code < 0) elog(ERROR, "could not run a statement: %s", SPI_result_code_string(code));
  Raw raw{SPI_processed, 0, nullptr};
  if (SPI_tuptable == nullptr) return raw;
  MemoryContext inner = MemoryContextSwitchTo(home);
  raw.columns = SPI_tuptable->tupdesc->natts;
  raw.cell = static_cast<char**>(palloc_extended(sizeof(char*) * raw.rows * raw.columns + 1, MCXT_ALLOC_HUGE));
  for (std::uint64_t r = 0; r < raw.rows; ++r) {
    for (int c = 0; c < raw.columns; ++c) {
      raw.cell[r * raw.columns + c] = SPI_getvalue(SPI_tuptable->vals[r], SPI_tuptable->tupdesc, c + 1);
    }
  }
  MemoryContextSwitchTo(inner);
  return raw;
}

Rows to_rows(const Raw& raw) {
  last_processed = raw.rows;
  Rows rows;
  if (raw.cell == nullptr) return rows;
  rows.resize(raw.rows);
  for (std::uint64_t r = 0; r < raw.rows; ++r) {
    rows[r].resize(raw.columns);
    for (int c = 0; c < raw.columns; ++c) {
      const char* cell = raw.cell[r * raw.columns + c];
      if (cell != nullptr) rows[r][c] = cell;
    }
  }
  return rows;
}

Rows execute(const char* sql, const std::vector<Text>& arguments, bool keep, bool latest) {
  const char* values[32];
  const int count = static_cast<int>(arguments.size());
  if (count > 32) throw Error("XX000", "too many arguments for a catalog statement");
  for (int i = 0; i < count; ++i) values[i] = arguments[i] ? arguments[i]->c_str() : nullptr;
  SPIPlanPtr known = nullptr;
  if (keep) {
    const auto found = plans().find(sql);
    if (found != plans().end()) known = found->second;
  }
  // Kept before it runs: one that fails is there for the next try.
  if (keep && known == nullptr) {
    SPIPlanPtr& slot = plans()[sql];
    slot = nullptr;
    known = slot = call([&] {
      SPI_connect();
      const bool pushed = !ActiveSnapshotSet();
      if (pushed) PushActiveSnapshot(GetTransactionSnapshot());
      SPIPlanPtr plan = prepare(sql, count);
      SPI_keepplan(plan);
      if (pushed) PopActiveSnapshot();
      SPI_finish();
      return plan;
    });
  }
  // The cells live in a context of their own: the caller's may be the whole session's.
  MemoryContext scratch =
      call([&] { return AllocSetContextCreate(CurrentMemoryContext, "pg_etl statement", ALLOCSET_DEFAULT_SIZES); });
  const Raw raw = call([&] {
    SPI_connect();
    const bool pushed = latest || !ActiveSnapshotSet();
    if (pushed) PushActiveSnapshot(latest ? GetLatestSnapshot() : GetTransactionSnapshot());
    SPIPlanPtr used = known != nullptr ? known : prepare(sql, count);
    if (!keep && superuser()) ReleaseCachedPlan(checked_plan(used), nullptr);
    const Raw result = run(used, values, count, latest, scratch);
    if (pushed) PopActiveSnapshot();
    SPI_finish();
    return result;
  });
  Rows rows = to_rows(raw);
  call([&] { MemoryContextDelete(scratch); });
  return rows;
}

}  // namespace

Rows query(const char* sql, const std::vector<Text>& arguments) {
  return execute(sql, arguments, true, false);
}

Rows query_once(const std::string& sql, const std::vector<Text>& arguments) {
  return execute(sql.c_str(), arguments, false, false);
}

Rows catalog_query(const char* sql, const std::vector<Text>& arguments) {
  CatalogRights rights;
  Rows rows = execute(sql, arguments, true, false);
  rights.leave();
  return rows;
}

Rows catalog_query_latest(const char* sql, const std::vector<Text>& arguments) {
  CatalogRights rights;
  Rows rows = execute(sql, arguments, true, true);
  rights.leave();
  return rows;
}

std::uint64_t processed() {
  return last_processed;
}

}  // namespace etl::pg

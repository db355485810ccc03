#include "pg/guard.hpp"

#include <csetjmp>
#include <cstdlib>
#include <cstring>

#include "pg/headers.hpp"

namespace etl::pg::detail {

namespace {

std::string owned(const char* text) {
  return text == nullptr ? std::string() : std::string(text);
}

// Turns the ERROR on PostgreSQL's error stack into an exception and clears it.
[[noreturn]] void throw_caught(MemoryContext home) {
  MemoryContextSwitchTo(home);
  ErrorData* data = CopyErrorData();
  FlushErrorState();
  char sqlstate[6];
  strlcpy(sqlstate, unpack_sql_state(data->sqlerrcode), sizeof sqlstate);
  Error error(sqlstate, owned(data->message), owned(data->detail), owned(data->hint));
  error.context = owned(data->context);
  error.schema = owned(data->schema_name);
  error.table = owned(data->table_name);
  error.column = owned(data->column_name);
  error.datatype = owned(data->datatype_name);
  error.constraint = owned(data->constraint_name);
  error.query = owned(data->internalquery);
  error.position = data->internalquery != nullptr ? data->internalpos : data->cursorpos;
  FreeErrorData(data);
  throw error;
}

constexpr int kTexts = 10;

// What an ereport needs, in memory that survives the catch block: malloc, because palloc may raise.
struct Kept {
  int sqlstate;
  int position;
  char* text[kTexts];
};

Kept out_of_memory_kept{};  // no allocation may be possible when it is needed

char* copied(const std::string& text) {
  if (text.empty()) return nullptr;
  char* copy = static_cast<char*>(std::malloc(text.size() + 1));
  if (copy != nullptr) std::memcpy(copy, text.c_str(), text.size() + 1);
  return copy;
}

}  // namespace

void invoke(void (*body)(void*), void* closure) {
  MemoryContext home = CurrentMemoryContext;
  sigjmp_buf* outer_stack = PG_exception_stack;
  ErrorContextCallback* outer_context = error_context_stack;
  sigjmp_buf here;
  if (sigsetjmp(here, 0) == 0) {
    PG_exception_stack = &here;
    error_context_stack = nullptr;  // the outer callbacks speak when the boundary raises it again
    try {
      body(closure);
    } catch (...) {
      PG_exception_stack = outer_stack;
      error_context_stack = outer_context;
      throw;
    }
    PG_exception_stack = outer_stack;
    error_context_stack = outer_context;
    return;
  }
  PG_exception_stack = outer_stack;
  error_context_stack = outer_context;
  throw_caught(home);
}

void* keep(const Error& error) noexcept {
  auto* kept = static_cast<Kept*>(std::calloc(1, sizeof(Kept)));
  if (kept == nullptr) return keep_out_of_memory();
  const char* s = error.sqlstate.size() == 5 ? error.sqlstate.c_str() : "XX000";
  kept->sqlstate = MAKE_SQLSTATE(s[0], s[1], s[2], s[3], s[4]);
  kept->position = error.position;
  const std::string* all[kTexts] = {&error.message, &error.detail, &error.hint,     &error.context,    &error.schema,
                                    &error.table,   &error.column, &error.datatype, &error.constraint, &error.query};
  for (int i = 0; i < kTexts; ++i) kept->text[i] = copied(*all[i]);
  return kept;
}

void* keep_out_of_memory() noexcept {
  out_of_memory_kept.sqlstate = ERRCODE_OUT_OF_MEMORY;
  return &out_of_memory_kept;
}

void* keep_unknown(const char* what) noexcept {
  auto* kept = static_cast<Kept*>(std::calloc(1, sizeof(Kept)));
  if (kept == nullptr) return keep_out_of_memory();
  kept->sqlstate = ERRCODE_INTERNAL_ERROR;
  const std::size_t length = std::strlen(what) + 1;
  kept->text[0] = static_cast<char*>(std::malloc(length));
  if (kept->text[0] != nullptr) std::memcpy(kept->text[0], what, length);
  return kept;
}

void raise_kept(void* opaque) {
  auto* kept = static_cast<Kept*>(opaque);
  Kept local{};
  local.sqlstate = kept->sqlstate;
  local.position = kept->position;
  for (int i = 0; i < kTexts; ++i) {
    if (kept->text[i] == nullptr) continue;
    local.text[i] = pstrdup(kept->text[i]);
    std::free(kept->text[i]);
  }
  if (kept != &out_of_memory_kept) std::free(kept);
  ereport(ERROR, errcode(local.sqlstate),
          errmsg_internal("%s", local.text[0] != nullptr ? local.text[0] : "out of memory"),
          local.text[1] != nullptr ? errdetail_internal("%s", local.text[1]) : 0,
          local.text[2] != nullptr ? errhint("%s", local.text[2]) : 0,
          local.text[3] != nullptr ? errcontext("%s", local.text[3]) : 0,
          local.text[4] != nullptr ? err_generic_string(PG_DIAG_SCHEMA_NAME, local.text[4]) : 0,
          local.text[5] != nullptr ? err_generic_string(PG_DIAG_TABLE_NAME, local.text[5]) : 0,
          local.text[6] != nullptr ? err_generic_string(PG_DIAG_COLUMN_NAME, local.text[6]) : 0,
          local.text[7] != nullptr ? err_generic_string(PG_DIAG_DATATYPE_NAME, local.text[7]) : 0,
          local.text[8] != nullptr ? err_generic_string(PG_DIAG_CONSTRAINT_NAME, local.text[8]) : 0,
          local.text[9] != nullptr ? internalerrquery(local.text[9]) : 0,
          local.text[9] != nullptr ? internalerrposition(local.position) : 0);
  pg_unreachable();
}

}  // namespace etl::pg::detail

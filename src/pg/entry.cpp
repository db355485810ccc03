#include "pg/entry.hpp"

extern "C" {
#include "catalog/pg_type.h"
#include "utils/array.h"
#include "utils/lsyscache.h"
}

namespace etl::pg {

namespace {

// The declared type: a call by the fast-path protocol has no expression to take it from. C only.
Oid argument_type(FunctionCallInfo fcinfo, int index) {
  Oid* types;
  int count;
  (void)get_func_signature(fcinfo->flinfo->fn_oid, &types, &count);
  if (index >= count) elog(ERROR, "function %u has no argument %d", fcinfo->flinfo->fn_oid, index);
  return types[index];
}

}  // namespace

bool is_bigint_argument(FunctionCallInfo fcinfo, int index) {
  return call([&] { return argument_type(fcinfo, index) == INT8OID; });
}

Text text_argument(FunctionCallInfo fcinfo, int index) {
  if (index >= PG_NARGS() || PG_ARGISNULL(index)) return std::nullopt;
  const char* text = call([&] {
    Oid output;
    bool varlena;
    getTypeOutputInfo(argument_type(fcinfo, index), &output, &varlena);
    return OidOutputFunctionCall(output, PG_GETARG_DATUM(index));
  });
  return std::string(text);
}

std::string required_argument(FunctionCallInfo fcinfo, int index, const char* name) {
  Text value = text_argument(fcinfo, index);
  if (!value) throw Error("22004", std::string(name) + " must not be null", {}, "Pass a value for it.");
  return *value;
}

std::optional<std::vector<std::string>> text_array_argument(FunctionCallInfo fcinfo, int index) {
  if (index >= PG_NARGS() || PG_ARGISNULL(index)) return std::nullopt;
  struct Parts {
    int count;
    char** text;
  } parts = call([&] {
    Datum* values;
    bool* nulls;
    Parts p{0, nullptr};
    deconstruct_array(PG_GETARG_ARRAYTYPE_P(index), TEXTOID, -1, false, TYPALIGN_INT, &values, &nulls, &p.count);
    p.text = static_cast<char**>(palloc0(sizeof(char*) * (p.count + 1)));
    for (int i = 0; i < p.count; ++i) p.text[i] = nulls[i] ? nullptr : TextDatumGetCString(values[i]);
    return p;
  });
  std::vector<std::string> result;
  for (int i = 0; i < parts.count; ++i) {
    if (parts.text[i] == nullptr)
      throw Error("22004", "a name in the list must not be null", {}, "Leave NULL out of the array.");
    result.emplace_back(parts.text[i]);
  }
  return result;
}

bool bool_argument(FunctionCallInfo fcinfo, int index, bool when_null) {
  return index >= PG_NARGS() || PG_ARGISNULL(index) ? when_null : PG_GETARG_BOOL(index);
}

long long_argument(FunctionCallInfo fcinfo, int index, long when_null) {
  if (index >= PG_NARGS() || PG_ARGISNULL(index)) return when_null;
  return is_bigint_argument(fcinfo, index) ? PG_GETARG_INT64(index) : PG_GETARG_INT32(index);
}

Datum text_result(FunctionCallInfo fcinfo, const Text& value) {
  if (!value) {
    fcinfo->isnull = true;
    return static_cast<Datum>(0);
  }
  return call(
      [&] { return PointerGetDatum(cstring_to_text_with_len(value->data(), static_cast<int>(value->size()))); });
}

Datum rows_result(FunctionCallInfo fcinfo, const std::vector<std::vector<Text>>& rows) {
  auto* info = reinterpret_cast<ReturnSetInfo*>(fcinfo->resultinfo);
  call([&] { InitMaterializedSRF(fcinfo, MAT_SRF_USE_EXPECTED_DESC); });
  AttInMetadata* meta = call([&] { return TupleDescGetAttInMetadata(info->setDesc); });
  std::vector<char*> cells;
  for (const auto& row : rows) {
    cells.clear();
    for (const auto& cell : row) cells.push_back(cell ? const_cast<char*>(cell->c_str()) : nullptr);
    char** data = cells.data();
    call([&] {
      CHECK_FOR_INTERRUPTS();
      tuplestore_puttuple(info->setResult, BuildTupleFromCStrings(meta, data));
    });
  }
  return static_cast<Datum>(0);
}

Datum row_result(FunctionCallInfo fcinfo, const std::vector<Text>& values) {
  std::vector<char*> cells;
  for (const auto& cell : values) cells.push_back(cell ? const_cast<char*>(cell->c_str()) : nullptr);
  char** data = cells.data();
  return call([&] {
    TupleDesc tupdesc;
    if (get_call_result_type(fcinfo, nullptr, &tupdesc) != TYPEFUNC_COMPOSITE) elog(ERROR, "result type must be a row");
    return HeapTupleGetDatum(BuildTupleFromCStrings(TupleDescGetAttInMetadata(tupdesc), data));
  });
}

}  // namespace etl::pg

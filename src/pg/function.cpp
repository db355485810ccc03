#include "pg/function.hpp"

#include "pg/analyze.hpp"
#include "pg/guard.hpp"
#include "pg/headers.hpp"

extern "C" {
#include "access/htup_details.h"
#include "catalog/pg_language.h"
#include "catalog/pg_proc.h"
#include "catalog/pg_type.h"
#include "utils/acl.h"
#include "utils/lsyscache.h"
#include "utils/regproc.h"
#include "utils/syscache.h"
#include "utils/typcache.h"
}

namespace etl::pg {

namespace {

struct RawFunction {
  char kind;
  int arguments;
  bool variadic;
  Oid argument;  // of the first one
  bool of_array;
  bool of_rows;
  bool has_columns;  // what it returns
  bool of_params;    // the last argument is jsonb
  char* signature;
  char* name;
  int columns;
  const char** column;
};

// C only.
char* signature_of(Oid function) {
  return format_procedure_extended(function, FORMAT_PROC_FORCE_QUALIFY | FORMAT_PROC_INVALID_AS_NULL);
}

// C only. A composite type, a table's row type too, but neither record nor a type that depends on the call.
void read_argument(RawFunction* raw, Oid type) {
  const Oid element = get_element_type(type);
  raw->of_array = OidIsValid(element);
  raw->argument = raw->of_array ? element : type;
  raw->of_rows = get_typtype(raw->argument) == TYPTYPE_COMPOSITE;
  if (!raw->of_rows) return;
  TupleDesc shape = lookup_rowtype_tupdesc_copy(raw->argument, -1);
  raw->column = static_cast<const char**>(palloc(sizeof(char*) * static_cast<Size>(shape->natts + 1)));
  for (int i = 0; i < shape->natts; ++i) {
    Form_pg_attribute attribute = TupleDescAttr(shape, i);
    if (!attribute->attisdropped) raw->column[raw->columns++] = NameStr(attribute->attname);
  }
}

// C only. A single OUT argument gives its name to the one column.
bool returns_columns(Oid function) {
  Oid type;
  TupleDesc shape = nullptr;
  switch (get_func_result_type(function, &type, &shape)) {
    case TYPEFUNC_COMPOSITE:
    case TYPEFUNC_COMPOSITE_DOMAIN:
      return true;
    case TYPEFUNC_SCALAR:
      return get_func_result_name(function) != nullptr;
    default:
      return false;
  }
}

// C only.
RawFunction read_function(Oid function) {
  HeapTuple tuple = SearchSysCache1(PROCOID, ObjectIdGetDatum(function));
  if (!HeapTupleIsValid(tuple)) {
    ereport(ERROR, errcode(ERRCODE_UNDEFINED_FUNCTION), errmsg("function with OID %u does not exist", function),
            errhint("Name it with the type of its argument, as in app.score(app.row_in[])."));
  }
  auto* form = reinterpret_cast<Form_pg_proc>(GETSTRUCT(tuple));
  RawFunction raw{};
  raw.kind = form->prokind;
  raw.arguments = form->pronargs;
  raw.variadic = OidIsValid(form->provariadic);
  raw.of_params = form->pronargs > 0 && form->proargtypes.values[form->pronargs - 1] == JSONBOID;
  if (form->pronargs == 1 || (form->pronargs == 2 && raw.of_params)) {
    read_argument(&raw, form->proargtypes.values[0]);
  }
  raw.name = quote_qualified_identifier(get_namespace_name(form->pronamespace), NameStr(form->proname));
  ReleaseSysCache(tuple);
  raw.signature = signature_of(function);
  raw.has_columns = returns_columns(function);
  return raw;
}

void want_plain(const RawFunction& raw) {
  if (raw.kind != PROKIND_FUNCTION) {
    throw Error("42809", std::string(raw.signature) + " is not a plain function",
                "It is a procedure, an aggregate or a window function.", "Call it from a function.");
  }
}

void check_function(const RawFunction& raw) {
  const std::string named = "function " + std::string(raw.signature);
  want_plain(raw);
  if (raw.arguments != 1 || raw.variadic || !raw.of_rows) {
    throw Error("22023", named + " does not take rows", {},
                "Let it take one argument: a composite type, or an array of one.");
  }
  if (raw.has_columns) return;
  throw Error("22023", named + " does not return rows", {},
              "Let it return a composite type, a set of one, or TABLE (…) with names for its columns.");
}

void check_operator_function(const RawFunction& raw, OperatorUse use) {
  want_plain(raw);
  const bool rows = use != OperatorUse::kSource;
  const bool takes =
      !raw.variadic && raw.of_params && raw.arguments == (rows ? 2 : 1) && (!rows || (raw.of_rows && raw.of_array));
  if (takes && (raw.has_columns || use == OperatorUse::kSink)) return;
  throw Error(
      "22023", "function " + std::string(raw.signature) + " cannot be an operator of this kind",
      takes ? "It does not return rows." : "",
      use == OperatorUse::kSource ? "A source is f(params jsonb) and returns a set of a composite type, or TABLE (…)."
      : use == OperatorUse::kTransform
          ? "A transform is f(rows t[], params jsonb), where t is a composite type, and returns a set of one, or "
            "TABLE (…)."
          : "A sink is f(rows t[], params jsonb), where t is a composite type.");
}

struct Found {
  Oid oid;
  RawFunction raw;
};

Found find(const std::string& signature) {
  const char* text = signature.c_str();
  return call([&] {
    const Oid oid = DatumGetObjectId(DirectFunctionCall1(regprocedurein, CStringGetDatum(text)));
    return Found{oid, read_function(oid)};
  });
}

RowFunction function_of(const Found& found) {
  const RawFunction& raw = found.raw;
  RowFunction function;
  function.oid = found.oid;
  function.signature = raw.signature;
  function.name = raw.name;
  if (raw.of_rows) function.argument = type_name(raw.argument, -1);
  function.of_array = raw.of_array;
  for (int i = 0; i < raw.columns; ++i) function.columns.emplace_back(raw.column[i]);
  return function;
}

}  // namespace

RowFunction find_row_function(const std::string& signature) {
  const Found found = find(signature);
  check_function(found.raw);
  return function_of(found);
}

RowFunction find_operator_function(const std::string& signature, OperatorUse use) {
  const Found found = find(signature);
  check_operator_function(found.raw, use);
  return function_of(found);
}

bool is_opaque(unsigned function) {
  return call([&] {
    HeapTuple tuple = SearchSysCache1(PROCOID, ObjectIdGetDatum(function));
    if (!HeapTupleIsValid(tuple)) return false;
    auto* form = reinterpret_cast<Form_pg_proc>(GETSTRUCT(tuple));
    const Oid language = form->prolang;
    const bool opaque = form->provolatile == PROVOLATILE_VOLATILE ||
                        (language != INTERNALlanguageId && language != ClanguageId && language != SQLlanguageId);
    ReleaseSysCache(tuple);
    return opaque;
  });
}

bool may_execute(unsigned role, unsigned function) {
#if PG_VERSION_NUM >= 160000
  return call([&] { return object_aclcheck(ProcedureRelationId, function, role, ACL_EXECUTE) == ACLCHECK_OK; });
#else
  return call([&] { return pg_proc_aclcheck(function, role, ACL_EXECUTE) == ACLCHECK_OK; });
#endif
}

std::optional<std::string> function_signature(unsigned function) {
  const char* text = call([&]() -> const char* { return signature_of(function); });
  return text != nullptr ? std::optional<std::string>(text) : std::nullopt;
}

}  // namespace etl::pg

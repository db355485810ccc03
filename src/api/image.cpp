// etl.image_differs: is the stored image of two values the same? Called for each row of a batch, so there is no C++
// here.
#include "pg/entry.hpp"

extern "C" {
#include "utils/datum.h"
#include "utils/lsyscache.h"
}

namespace {

struct TypeShape {
  int16 length;
  bool by_value;
};

}  // namespace

ETL_FUNCTION(etl_image_differs) {
  if (PG_ARGISNULL(0) || PG_ARGISNULL(1)) PG_RETURN_BOOL(PG_ARGISNULL(0) != PG_ARGISNULL(1));
  auto* shape = static_cast<TypeShape*>(fcinfo->flinfo->fn_extra);
  if (shape == nullptr) {
    shape = static_cast<TypeShape*>(MemoryContextAlloc(fcinfo->flinfo->fn_mcxt, sizeof(TypeShape)));
    get_typlenbyval(get_fn_expr_argtype(fcinfo->flinfo, 0), &shape->length, &shape->by_value);
    fcinfo->flinfo->fn_extra = shape;
  }
  PG_RETURN_BOOL(!datum_image_eq(PG_GETARG_DATUM(0), PG_GETARG_DATUM(1), shape->by_value, shape->length));
}

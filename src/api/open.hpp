// How every function of the SQL surface begins: which pipeline is meant. For entry files.
#pragma once

#include "api/access.hpp"
#include "pg/entry.hpp"

namespace etl::api {

// The pipeline that argument `index` names: a name (text) or an id (bigint). Errors: 22004 null, 42704 no such
// pipeline, 42501 the caller is neither its owner nor granted `right`.
model::Definition open_pipeline(FunctionCallInfo fcinfo, int index, Right right);

}  // namespace etl::api

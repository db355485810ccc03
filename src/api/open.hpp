// How every function of the SQL surface begins: which pipeline is meant. For entry files.
#pragma once

#include "api/access.hpp"
#include "pg/entry.hpp"

namespace etl::api {

// The pipeline that argument `index` names: a name (text) or an id (bigint). Errors: 22004 null, 42704 no such
// pipeline, 42501 the caller is neither its owner nor granted `right`.
model::Definition open_pipeline(FunctionCallInfo fcinfo, int index, Right right);
// The same for a call that changes the pipeline, or acts on what its definition says: locked until the end of the
// transaction, and as it is under that lock. Nobody waits for a lock without the right.
model::Definition lock_pipeline(FunctionCallInfo fcinfo, int index, Right right);

}  // namespace etl::api

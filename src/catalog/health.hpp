// What etl.health() says of this database.
#pragma once

#include <string>

namespace etl::catalog {

// {"status": "ok" | "degraded", "database", "version", "launcher": bool, "keeper": bool, "workers", "worker_slots",
// "pipelines": {STATE: count}, "problems": [{"pipeline", "state", "target", "reason"}], "lag": [as view etl.lag],
// "servers": [{"name", "type", "circuit", "failed_pipelines"}]}. Pipelines, problems, lag and circuits are those that
// the caller may see.
std::string health_json();

}  // namespace etl::catalog

// What etl.health() says of this database.
#pragma once

#include <string>

namespace etl::catalog {

// {"status": "ok" | "degraded", "database", "version", "keeper", "workers", "worker_slots", "pipelines": {…},
// "servers": […]}
std::string health_json();

}  // namespace etl::catalog

// The launcher: one process a server, with shared_preload_libraries only. It sits in no database (safety.md M23) and
// sends a keeper into each one at start and whenever a database appears; the keeper leaves where nothing is to be done.
#pragma once

namespace etl::worker {

void register_launcher();

}  // namespace etl::worker

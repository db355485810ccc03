// What loading the library does: settings, and with shared_preload_libraries the launcher. Nothing else.
#include "pg/entry.hpp"
#include "pg/settings.hpp"
#include "worker/launcher.hpp"

extern "C" {
PG_MODULE_MAGIC;
PGDLLEXPORT void _PG_init(void);
}

void _PG_init(void) {
  etl::pg::define_settings();
  if (process_shared_preload_libraries_in_progress && !IsBinaryUpgrade) etl::worker::register_launcher();
}

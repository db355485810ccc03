// The settings etl.*: defined when the library is loaded, none needs a restart.
#pragma once

#include <cstddef>
#include <string>

namespace etl::pg {

void define_settings();

int max_workers();             // etl.max_workers: pipelines running at once in a database, and steps of a run
std::string allowed_hosts();   // etl.allowed_hosts
std::string data_directory();  // etl.data_directory
std::string allowed_python_modules();
std::size_t max_record_bytes();
std::size_t max_reply_bytes();       // etl.max_record_size
int max_json_depth();                // etl.max_json_depth
std::size_t max_archive_bytes();     // etl.max_archive_size
bool logs_json();                    // etl.log_format
std::string secrets_directory();     // etl.secrets_directory
bool superuser_pipelines_allowed();  // etl.allow_superuser_pipelines
bool suspended();                    // etl.suspended
std::string fault_point();           // etl.fault_point, only in builds with ETL_FAULT_POINTS

}  // namespace etl::pg

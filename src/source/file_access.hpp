// Which files of the server a pipeline may read or write.
#pragma once

#include <string>

namespace etl::source {

// The directories of etl.data_directory, as the room file/ takes them, for the current role. Ask before a file is
// looked at: an error could tell what is in it. 42501 when the role is no member of pg_read_server_files, or to write
// of pg_write_server_files, and when a directory holds the server's own files, or lies among them.
enum class FileUse { kRead, kWrite };
std::string file_directories(FileUse use = FileUse::kRead);

}  // namespace etl::source

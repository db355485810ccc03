// The server's own files.
#pragma once

#include <string>

namespace etl::pg {

// Whether the directory is, holds or lies in the server's data directory, wherever symbolic links lead. One that does
// not exist is not.
bool is_among_server_files(const std::string& directory);

}  // namespace etl::pg

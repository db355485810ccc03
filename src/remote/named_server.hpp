// Servers of SQL/MED by name, as steps name them.
#pragma once

#include <initializer_list>
#include <string>

#include "pg/server.hpp"

namespace etl::remote {

// A server that `role` may use, which has a url and is of one of the types. Error 42704, 42501 or 22023 otherwise.
pg::Server find_server(const std::string& name, unsigned role, std::initializer_list<std::string_view> types);

// Option ca_file, or nothing. Error 58P01 when it is no regular file: reading another one might never end.
std::string ca_file(const pg::Server& server);

// "" when it is not given.
std::string option(const std::map<std::string, std::string>& options, const char* name);

}  // namespace etl::remote

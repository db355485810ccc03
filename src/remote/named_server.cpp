#include "remote/named_server.hpp"

#include <sys/stat.h>

#include <algorithm>

#include "core/error.hpp"
#include "core/quote.hpp"
#include "pg/role.hpp"

namespace etl::remote {

namespace {

std::string list_of(std::initializer_list<std::string_view> types) {
  std::string list;
  for (const std::string_view& type : types) {
    list += (list.empty() ? "'" : &type == types.end() - 1 ? " or '" : ", '") + std::string(type) + "'";
  }
  return list;
}

}  // namespace

pg::Server find_server(const std::string& name, unsigned role, std::initializer_list<std::string_view> types) {
  bool usage = false;
  std::optional<pg::Server> server = pg::find_server(name, role, usage);
  const std::string named = "server \"" + name + "\"";
  const std::string example = *types.begin() == "postgres" ? "postgresql://…" : "https://…";
  if (!server) {
    throw Error("42704", named + " does not exist", {},
                "Run: CREATE SERVER " + quote_name(name) + " TYPE '" + std::string(*types.begin()) +
                    "' FOREIGN DATA WRAPPER etl OPTIONS (url '" + example + "');");
  }
  if (!usage) {
    throw Error(
        "42501", "permission denied for " + named, {},
        "Run: GRANT USAGE ON FOREIGN SERVER " + quote_name(name) + " TO " + quote_name(pg::role_name(role)) + ";");
  }
  if (std::find(types.begin(), types.end(), server->type) == types.end()) {
    throw Error("22023", named + " has type \"" + server->type + "\"", {},
                "Create it with TYPE " + list_of(types) + ".");
  }
  if (!server->options.contains("url")) {
    throw Error("22023", named + " has no option url", {},
                "Run: ALTER SERVER " + quote_name(name) + " OPTIONS (ADD url '" + example + "');");
  }
  if (server->type != "http" && server->options.contains("read_timeout")) {
    throw Error("22023", named + " has option read_timeout, which is for TYPE 'http'", {},
                "Run: ALTER SERVER " + quote_name(name) +
                    " OPTIONS (DROP read_timeout); option step_timeout of a pipeline limits a statement.");
  }
  return *server;
}

std::string ca_file(const pg::Server& server) {
  std::string file = option(server.options, "ca_file");
  struct stat status {};
  if (file.empty() || (stat(file.c_str(), &status) == 0 && S_ISREG(status.st_mode))) return file;
  throw Error("58P01", "ca_file of server \"" + server.name + "\" is no file", {},
              "Name a file of certificates in PEM form.");
}

std::string option(const std::map<std::string, std::string>& options, const char* name) {
  const auto found = options.find(name);
  return found != options.end() ? found->second : std::string();
}

}  // namespace etl::remote

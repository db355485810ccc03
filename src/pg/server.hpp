// SQL/MED servers of wrapper etl: where a remote system is and how to reach it.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>

namespace etl::pg {

// Which server, and in which version of its options.
struct GateKey {
  unsigned server = 0;  // OID
  std::uint32_t stamp = 0;
};

struct Server {
  std::string name;
  GateKey gate;
  std::string type;                            // elasticsearch | opensearch | http | postgres
  std::map<std::string, std::string> options;  // of the server
  std::map<std::string, std::string> user;     // of the user mapping: the user's own, else PUBLIC's
};

// nullopt: no such server, or one of another wrapper. usage: whether `role` may use it.
std::optional<Server> find_server(const std::string& name, unsigned role, bool& usage);

// Of a server of the wrapper etl; nullopt: there is none of that name.
std::optional<GateKey> find_gate(const std::string& server);

// The content of a secret file: a bare name in etl.secrets_directory. Its first line is the URL prefix that the secret
// may be sent to, the second the secret. Error 42501 when `url` does not start with that prefix.
std::string read_secret(const std::string& name, const std::string& url);

}  // namespace etl::pg

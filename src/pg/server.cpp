#include "pg/server.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdio>
#include <memory>

#include "pg/guard.hpp"
#include "pg/headers.hpp"
#include "pg/settings.hpp"

extern "C" {
#include "catalog/pg_foreign_server.h"
#include "commands/defrem.h"
#include "common/hashfn.h"
#include "foreign/foreign.h"
#include "utils/acl.h"
#include "utils/syscache.h"
}

namespace etl::pg {

namespace {

struct Pairs {
  int count;
  char** name;
  char** value;
};

// C only.
Pairs pairs_of(List* options) {
  Pairs pairs{0, static_cast<char**>(palloc(sizeof(char*) * (list_length(options) + 1))),
              static_cast<char**>(palloc(sizeof(char*) * (list_length(options) + 1)))};
  ListCell* cell;
  foreach (cell, options) {
    auto* option = static_cast<DefElem*>(lfirst(cell));
    pairs.name[pairs.count] = option->defname;
    pairs.value[pairs.count++] = defGetString(option);
  }
  return pairs;
}

std::map<std::string, std::string> map_of(const Pairs& pairs) {
  std::map<std::string, std::string> map;
  for (int i = 0; i < pairs.count; ++i) map[pairs.name[i]] = pairs.value[i];
  return map;
}

bool has_mapping(Oid server, Oid role) {
  return SearchSysCacheExists2(USERMAPPINGUSERSERVER, ObjectIdGetDatum(role), ObjectIdGetDatum(server)) ||
         SearchSysCacheExists2(USERMAPPINGUSERSERVER, ObjectIdGetDatum(InvalidOid), ObjectIdGetDatum(server));
}

// C only. nullptr: no such server, or one of another wrapper.
ForeignServer* find_own(const char* name) {
  ForeignServer* server = GetForeignServerByName(name, true);
  const bool own = server != nullptr && strcmp(GetForeignDataWrapper(server->fdwid)->fdwname, "etl") == 0;
  return own ? server : nullptr;
}

// C only.
GateKey gate_of(const ForeignServer* server, const Pairs& options) {
  std::uint32_t stamp = 0;
  for (int i = 0; i < options.count; ++i) {
    for (const char* text : {options.name[i], options.value[i]}) {
      stamp = hash_combine(stamp, string_hash(text, strlen(text) + 1));
    }
  }
  return {server->serverid, stamp};
}

struct Descriptor {
  int fd;
  ~Descriptor() {
    if (fd >= 0) close(fd);
  }
};

std::string read_all(int fd, const std::string& name) {
  char buffer[8192];
  const ssize_t length = read(fd, buffer, sizeof buffer);
  if (length < 0) throw Error("58030", "could not read secret file \"" + name + "\"");
  std::string text(buffer, static_cast<std::size_t>(length));
  explicit_bzero(buffer, sizeof buffer);
  return text;
}

}  // namespace

std::optional<Server> find_server(const std::string& name, unsigned role, bool& usage) {
  struct Raw {
    bool found;
    bool usage;
    GateKey gate;
    char* type;
    Pairs options;
    Pairs user;
  };
  const char* text = name.c_str();
  const Raw raw = call([&] {
    Raw r{};
    ForeignServer* server = find_own(text);
    if (server == nullptr) return r;
    r.found = true;
#if PG_VERSION_NUM >= 160000
    r.usage = object_aclcheck(ForeignServerRelationId, server->serverid, role, ACL_USAGE) == ACLCHECK_OK;
#else
    r.usage = pg_foreign_server_aclcheck(server->serverid, role, ACL_USAGE) == ACLCHECK_OK;
#endif
    r.type = server->servertype;
    r.options = pairs_of(server->options);
    r.gate = gate_of(server, r.options);
    r.user = pairs_of(has_mapping(server->serverid, role) ? GetUserMapping(role, server->serverid)->options : NIL);
    return r;
  });
  usage = raw.usage;
  if (!raw.found) return std::nullopt;
  Server server;
  server.name = name;
  server.gate = raw.gate;
  server.type = raw.type != nullptr ? raw.type : "";
  server.options = map_of(raw.options);
  server.user = map_of(raw.user);
  return server;
}

std::optional<GateKey> find_gate(const std::string& server) {
  const char* name = server.c_str();
  const GateKey key = call([&] {
    const ForeignServer* found = find_own(name);
    return found != nullptr ? gate_of(found, pairs_of(found->options)) : GateKey();
  });
  return key.server != 0 ? std::optional(key) : std::nullopt;
}

std::string read_secret(const std::string& name, const std::string& url) {
  const std::string hint =
      "Put the file into etl.secrets_directory: the URL prefix on its first line, the secret on its second.";
  if (name.empty() || name.find('/') != std::string::npos || name[0] == '.') {
    throw Error("22023", "secret file \"" + name + "\" is not a bare file name", {}, hint);
  }
  const std::string directory = secrets_directory();
  if (directory.empty()) throw Error("55000", "etl.secrets_directory is not set", {}, hint);
  const Descriptor folder{open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
  const Descriptor file{
      folder.fd < 0 ? -1 : openat(folder.fd, name.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC)};
  struct stat status {};
  if (file.fd < 0 || fstat(file.fd, &status) != 0 || !S_ISREG(status.st_mode) || status.st_nlink != 1) {
    throw Error("58P01", "could not open secret file \"" + name + "\"", {}, hint);
  }
  std::string text = read_all(file.fd, name);
  const std::size_t line = text.find('\n');
  const std::string prefix = text.substr(0, line);
  std::string secret = line == std::string::npos ? "" : text.substr(line + 1);
  secret.erase(secret.find_last_not_of("\r\n") + 1);
  explicit_bzero(text.data(), text.size());
  // A prefix ends at a border of the URL, so that http://es does not also open http://es.evil.
  const bool border =
      url.size() == prefix.size() || prefix.ends_with('/') || (url.size() > prefix.size() && url[prefix.size()] == '/');
  if (prefix.empty() || !url.starts_with(prefix) || !border) {
    explicit_bzero(secret.data(), secret.size());
    throw Error("42501", "secret file \"" + name + "\" is not for this server",
                "Its first line does not begin the server's URL.", hint);
  }
  if (secret.empty()) throw Error("22023", "secret file \"" + name + "\" holds no secret", {}, hint);
  return secret;
}

}  // namespace etl::pg

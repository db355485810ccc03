#include "remote/postgres_url.hpp"

#include <libpq-fe.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <memory>

#include "core/error.hpp"

namespace etl::remote {

namespace {

constexpr char kHint[] = "Write postgresql://host[:port]/database[?sslmode=verify-full].";

[[noreturn]] void refuse(const std::string& message, const std::string& detail = {}) {
  throw Error("22023", message, detail, kHint);
}

void set_part(PostgresUrl& url, const std::string& name, const std::string& value) {
  constexpr std::array<std::string_view, 6> kModes = {"disable", "allow",     "prefer",
                                                      "require", "verify-ca", "verify-full"};
  if ((name == "host" || name == "port") && value.find_first_of("/,@") != std::string::npos) {
    refuse("URL does not name one host");
  } else if (name == "host") {
    url.host = value;
  } else if (name == "port") {
    const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), url.port);
    if (error != std::errc() || end != value.data() + value.size() || url.port < 1 || url.port > 65535) {
      refuse("URL has no valid port");
    }
  } else if (name == "dbname") {
    url.database = value;
  } else if (name == "sslmode") {
    if (std::find(kModes.begin(), kModes.end(), value) == kModes.end()) refuse("URL has no valid sslmode");
    url.sslmode = value;
  } else if (name == "user" || name == "password") {
    refuse("URL must not contain a user name or password", "Credentials belong into the user mapping of the server.");
  } else {
    refuse("URL has parameter \"" + name + "\", which is not supported");
  }
}

}  // namespace

bool is_postgres_url(std::string_view text) {
  return text.starts_with("postgresql://") || text.starts_with("postgres://");
}

PostgresUrl parse_postgres_url(const std::string& text) {
  if (!is_postgres_url(text)) refuse("URL scheme is not postgresql");
  const std::unique_ptr<PQconninfoOption, decltype(&PQconninfoFree)> options(PQconninfoParse(text.c_str(), nullptr),
                                                                             &PQconninfoFree);
  if (!options) refuse("URL is not valid");
  PostgresUrl url;
  const std::size_t query = text.find('?');
  url.text = text.substr(0, query);
  // What follows overrides what stands before, and the secret is bound to that.
  if (query != std::string::npos &&
      (!text.substr(query).starts_with("?sslmode=") || text.find('&', query) != std::string::npos)) {
    refuse("URL has a parameter that is not sslmode");
  }
  for (const PQconninfoOption* option = options.get(); option->keyword != nullptr; ++option) {
    if (option->val != nullptr) set_part(url, option->keyword, option->val);
  }
  if (url.host.empty()) refuse("URL does not name one host");
  if (url.database.empty()) refuse("URL names no database");
  return url;
}

}  // namespace etl::remote

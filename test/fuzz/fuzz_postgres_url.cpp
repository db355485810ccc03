// Any bytes as the url of a server of TYPE 'postgres': refused with 22023, or read into what holds the promises of
// postgres_url.hpp. A text of the database has no null byte.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "core/error.hpp"
#include "remote/postgres_url.hpp"

namespace {

void require(bool holds) {
  if (!holds) abort();
}

void require_url(const std::string& text) {
  const etl::remote::PostgresUrl url = etl::remote::parse_postgres_url(text);
  require(etl::remote::is_postgres_url(text) && text.starts_with(url.text));
  require(!url.host.empty() && url.host.find_first_of("/,@") == std::string::npos);
  require(url.port >= 1 && url.port <= 65535 && !url.database.empty());
  const std::string_view query = std::string_view(text).substr(url.text.size());
  require(query.empty() == url.sslmode.empty() && (query.empty() || query.starts_with("?sslmode=")));
  // What a secret is bound to leads by itself to the same place.
  const etl::remote::PostgresUrl bound = etl::remote::parse_postgres_url(url.text);
  require(bound.text == url.text && bound.host == url.host && bound.port == url.port);
  require(bound.database == url.database && bound.sslmode.empty());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  const std::string text(bytes.substr(0, bytes.find('\0')));
  for (const std::string& one : {text, "postgresql://" + text}) {
    try {
      require_url(one);
    } catch (const etl::Error& error) {
      require(error.sqlstate == "22023");
    }
  }
  return 0;
}

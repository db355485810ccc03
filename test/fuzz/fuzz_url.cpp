// Any bytes as a URL: refused with 22023 in words that are text, or read into what holds the promises of url.hpp.
#include <cstddef>
#include <cstdint>
#include <cstdlib>

#include "core/error.hpp"
#include "file/utf8.hpp"
#include "http/url.hpp"

namespace {

void require(bool holds) {
  if (!holds) abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  try {
    const etl::http::Url url = etl::http::parse_server_url(text);
    require(url.text.find_first_of("@?#\\ \r\n") == std::string::npos || url.text.find('@') > url.text.find('/', 8));
    require(url.port >= 1 && url.port <= 65535 && !url.host.empty());
    require(etl::http::parse_url(url.text).authority == url.authority);
  } catch (const etl::Error& error) {
    const std::string said = error.message + error.detail;
    require(error.sqlstate == "22023" && etl::file::valid_utf8(said) == said.size());
  }
  try {
    const std::string joined = etl::http::join_path("https://h", {text});
    require(joined.find_first_of("/?#\r\n%", 10) == std::string::npos || joined.find('%') != std::string::npos);
    require(joined.find('/', 10) == std::string::npos);
    etl::http::parse_url(joined);
  } catch (const etl::Error& error) {
    require(error.sqlstate == "22023");
  }
  return 0;
}

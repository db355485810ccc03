// What the HTTP client is linked to.
#pragma once

#include <string>

namespace etl::http {

struct Versions {
  std::string libcurl;
  std::string tls;  // "none" without TLS
  std::string zlib;
};
Versions versions();

}  // namespace etl::http

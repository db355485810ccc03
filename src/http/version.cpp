#include "http/version.hpp"

#include <curl/curl.h>

namespace etl::http {

Versions versions() {
  const curl_version_info_data* info = curl_version_info(CURLVERSION_NOW);
  return {info->version, info->ssl_version != nullptr ? info->ssl_version : "none",
          info->libz_version != nullptr ? info->libz_version : "none"};
}

}  // namespace etl::http

// libcurl's result codes as errors of ours.
#pragma once

#include <string>
#include <string_view>

#include "core/error.hpp"

namespace etl::http {

// `code` is a CURLcode other than CURLE_OK, `authority` host:port, `seen` libcurl's own words: cut and made printable
// here, for part of them comes from the network.
Error make_failure(int code, std::string_view authority, std::string_view seen);

// Replaces control characters, cuts at 300 bytes, ends with a period.
std::string to_sentence(std::string_view text);

}  // namespace etl::http

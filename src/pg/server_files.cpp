#include "pg/server_files.hpp"

#include <cstdlib>
#include <memory>

#include "pg/headers.hpp"

extern "C" {
#include "miscadmin.h"
}

namespace etl::pg {

namespace {

// With a slash at its end; empty: it does not exist.
std::string resolved(const char* path) {
  const std::unique_ptr<char, decltype(&std::free)> real(realpath(path, nullptr), &std::free);
  if (!real) return {};
  std::string text(real.get());
  if (!text.ends_with('/')) text += '/';
  return text;
}

}  // namespace

bool is_among_server_files(const std::string& directory) {
  const std::string one = resolved(directory.c_str());
  const std::string own = resolved(DataDir);
  return !one.empty() && !own.empty() && (one.starts_with(own) || own.starts_with(one));
}

}  // namespace etl::pg

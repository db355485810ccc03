// Any bytes as a pipeline's options.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "core/error.hpp"
#include "model/options.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  try {
    (void)etl::model::parse_options(std::string_view(reinterpret_cast<const char*>(data), size));
  } catch (const etl::Error&) {
  }
  return 0;
}

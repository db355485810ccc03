// Any bytes as a reply: believed only with one outcome for each document, and its text is printable and short.
#include <cstddef>
#include <cstdint>
#include <cstdlib>

#include "sink/bulk_reply.hpp"

namespace {

void require(bool holds) {
  if (!holds) abort();
}

void require_printable(const std::string& text) {
  require(text.size() <= etl::sink::kMaxReason);
  for (const char c : text) require(static_cast<unsigned char>(c) >= 0x20 && c != 0x7f);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view body(reinterpret_cast<const char*>(data), size);
  const std::vector<std::string_view> ids = {"1", "2"};
  const etl::sink::BulkReply reply = etl::sink::read_bulk_reply(body, ids);
  require(reply.understood ? reply.outcomes.size() == ids.size() : reply.outcomes.empty() && !reply.problem.empty());
  std::size_t last = 0;
  for (const etl::sink::ItemError& error : reply.errors) {
    require(error.index < ids.size() && (last == 0 || error.index > last));
    last = error.index;
    require(error.outcome == reply.outcomes[error.index]);
    require_printable(error.type);
    require_printable(error.reason);
  }
  require_printable(etl::sink::read_error_reason(body));
  require_printable(etl::sink::read_error_type(body));
  return 0;
}

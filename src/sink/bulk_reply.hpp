// Reading the reply to a bulk request: what became of each document.
//
// The request asked for filter_path=errors,items.*._id,items.*.status,items.*.error.type,items.*.error.reason. A reply
// is believed only if it is whole: one item for each document that was sent, in the order sent, each with its _id and a
// status. Anything else (cut, garbled, HTML, an item too few, a foreign _id) tells nothing of any document: the outcome
// of the whole request is unknown and the identical body is sent again.
//
// Pure: no PostgreSQL, no network; any bytes may come in. Depth is bounded, nothing recurses.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace etl::sink {

enum class ItemOutcome : std::uint8_t {
  kCreated,  // 201
  kStored,   // another 2xx: replaced
  kStale,    // 409 version conflict: a version as high or higher is stored (external versions), so this one is done
  kRetry,    // 429 or 5xx
  kRefused,  // another 4xx: the document is to blame
  kBlocked,  // the index or the credentials are to blame, so every document would fare the same
};

struct ItemError {
  std::size_t index = 0;  // of the item
  ItemOutcome outcome = ItemOutcome::kRefused;
  int status = 0;
  std::string type;    // printable, at most kMaxReason bytes
  std::string reason;  // the same
};

inline constexpr std::size_t kMaxReason = 500;

struct BulkReply {
  bool understood = false;
  std::string problem;                // why not: a sentence
  std::vector<ItemOutcome> outcomes;  // one for each _id
  std::vector<ItemError> errors;      // of those neither stored nor stale
};

BulkReply read_bulk_reply(std::string_view body, const std::vector<std::string_view>& ids);

// The reason in the body of a reply with an error status: error.type and error.reason if it is the engine's JSON, else
// the text itself. Printable, cut.
std::string read_error_reason(std::string_view body);
// error.type alone, or "".
std::string read_error_type(std::string_view body);

}  // namespace etl::sink

// Where the records of a JSON file begin and end: lines, or the elements of an array.
//
// Frames only look for line ends, quotes and brackets. What a frame's text is worth is json_record.hpp's business.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "core/error.hpp"
#include "file/record.hpp"

namespace etl::file {

struct JsonFrame {
  enum class Kind {
    kText,     // the whole text of a record
    kTooLong,  // longer than limits.record_bytes: `text` is its beginning, and it was passed over
    kBroken,   // no array from here on, as `error` (22P02) says: `text` is what begins here, and only kEnd follows
    kEnd,
  };
  Kind kind = Kind::kEnd;
  std::string_view text;  // valid until the next call
  Error error{"", ""};
};

class JsonFrames {
 public:
  virtual ~JsonFrames() = default;
  virtual void next(JsonFrame& frame) = 0;
  // Behind the frame read last. `line` counts lines, or elements.
  virtual Place place() const = 0;
};

// One record a line; lines of blanks are passed over. Goes on at from.byte. With `tail` a last line without a line end
// is not there yet.
std::unique_ptr<JsonFrames> make_line_frames(std::unique_ptr<ByteSource> source, const Limits& limits, Place from,
                                             bool tail);

// The elements of the array that `path`, names of members from the outermost object on, leads to. Of doubled members
// the first counts. What stands beside the path is passed over: its brackets are counted, the rest of it is not
// checked.
std::unique_ptr<JsonFrames> make_array_frames(std::unique_ptr<ByteSource> source, const Limits& limits,
                                              std::vector<std::string> path);

}  // namespace etl::file

// Writing JSON text into Bytes, for pg/*.cpp: C only, no allocation beside the buffer's own.
//
// Text comes in the database's encoding and leaves as UTF-8. What cannot be written is a fault of the row, kept in the
// writer: the rest of the row is skipped by the caller, the other rows go on.
#pragma once

#include <cstdint>

#include "pg/bytes.hpp"

namespace etl::pg {

enum class RowFault : std::uint8_t { kNone, kIdTooLong, kIdEmpty, kNullKey, kTooLarge };

struct JsonWriter {
  Bytes* out;
  std::size_t limit;    // of one value
  std::size_t stop_at;  // size of `out` at which the row is too large
  RowFault fault;
};

// "text", escaped; nothing but a fault when it is longer than the limit.
void write_string(JsonWriter* writer, const char* text, std::size_t length);
// The same of any length.
void write_quoted(Bytes* out, const char* text, std::size_t length);
// JSON text as it is; line breaks, which can only stand between its tokens, become blanks.
void write_json(JsonWriter* writer, const char* text, std::size_t length);
// "base64", RFC 4648 without line breaks.
void write_base64(JsonWriter* writer, const char* bytes, std::size_t length);
// A number's text; NaN and the infinities as strings.
void write_number(JsonWriter* writer, const char* text, std::size_t length);

// A date, timestamp or timestamptz: ISO 8601, quoted; what has no four-digit year of our era, and infinity, as
// PostgreSQL's to_json writes it.
void write_date_time(JsonWriter* writer, Datum value, Oid type);

void write_uuid(Bytes* out, const unsigned char* bytes);  // without quotes

}  // namespace etl::pg

#include "pg/json_text.hpp"

extern "C" {
#include "catalog/pg_type_d.h"
#include "common/base64.h"
#include "utils/date.h"
#include "utils/datetime.h"
#include "utils/json.h"
#include "utils/timestamp.h"
}

namespace etl::pg {

namespace {

constexpr std::uint64_t kOnes = 0x0101010101010101ULL;
constexpr std::uint64_t kHighs = 0x8080808080808080ULL;

constexpr std::uint64_t zero_bytes(std::uint64_t word) {
  return (word - kOnes) & ~word & kHighs;
}

// Whether one of eight bytes must be escaped: below 0x20, a quote or a backslash.
bool needs_escape(const char* eight) {
  std::uint64_t word;
  std::memcpy(&word, eight, 8);
  const std::uint64_t control = (word - kOnes * 0x20) & ~word & kHighs;
  return (control | zero_bytes(word ^ (kOnes * '"')) | zero_bytes(word ^ (kOnes * '\\'))) != 0;
}

bool needs_escape(char c) {
  return static_cast<unsigned char>(c) < 0x20 || c == '"' || c == '\\';
}

char* put_escape(char* to, char c) {
  constexpr char kHex[] = "0123456789abcdef";
  *to++ = '\\';
  switch (c) {
    case '"':
    case '\\':
      *to++ = c;
      return to;
    case '\b':
      *to++ = 'b';
      return to;
    case '\f':
      *to++ = 'f';
      return to;
    case '\n':
      *to++ = 'n';
      return to;
    case '\r':
      *to++ = 'r';
      return to;
    case '\t':
      *to++ = 't';
      return to;
    default:
      std::memcpy(to, "u00", 3);
      to[3] = kHex[static_cast<unsigned char>(c) >> 4];
      to[4] = kHex[c & 15];
      return to + 5;
  }
}

char* put_digits(char* to, int value, int digits) {
  for (int i = digits - 1; i >= 0; --i, value /= 10) to[i] = static_cast<char>('0' + value % 10);
  return to + digits;
}

// YYYY-MM-DD; false when the year has not four digits or is before our era.
bool put_date(char** to, std::int64_t days) {
  if (days < -730119 || days > 2921939) return false;  // 0001-01-01 to 9999-12-31, from 2000-01-01
  int year, month, day;
  j2date(static_cast<int>(days) + POSTGRES_EPOCH_JDATE, &year, &month, &day);
  char* at = put_digits(*to, year, 4);
  *at++ = '-';
  at = put_digits(at, month, 2);
  *at++ = '-';
  *to = put_digits(at, day, 2);
  return true;
}

char* put_time(char* to, std::int64_t microseconds) {
  const int seconds = static_cast<int>(microseconds / USECS_PER_SEC);
  int fraction = static_cast<int>(microseconds % USECS_PER_SEC);
  to = put_digits(to, seconds / 3600, 2);
  *to++ = ':';
  to = put_digits(to, seconds / 60 % 60, 2);
  *to++ = ':';
  to = put_digits(to, seconds % 60, 2);
  if (fraction == 0) return to;
  int digits = 6;
  for (; fraction % 10 == 0; fraction /= 10) --digits;
  *to++ = '.';
  return put_digits(to, fraction, digits);
}

}  // namespace

void write_quoted(Bytes* out, const char* text, std::size_t length) {
  const char* const end = text + length;
  append(out, '"');
  while (text < end) {
    const char* clean = text;
    while (end - clean >= 8 && !needs_escape(clean)) clean += 8;
    while (clean < end && !needs_escape(*clean)) ++clean;
    const std::size_t count = static_cast<std::size_t>(clean - text);
    char* to = reserve(out, count + 8);
    std::memcpy(to, text, count);
    out->size += count;
    if (clean == end) break;
    out->size += static_cast<std::size_t>(put_escape(to + count, *clean) - (to + count));
    text = clean + 1;
  }
  append(out, '"');
}

void write_string(JsonWriter* writer, const char* text, std::size_t length) {
  if (length > writer->limit) {
    writer->fault = RowFault::kTooLarge;
    return;
  }
  write_quoted(writer->out, text, length);
}

void write_json(JsonWriter* writer, const char* text, std::size_t length) {
  if (length > writer->limit) {
    writer->fault = RowFault::kTooLarge;
    return;
  }
  char* at = reserve(writer->out, length);
  std::memcpy(at, text, length);
  writer->out->size += length;
  for (std::size_t i = 0; i < length; ++i) {
    if (at[i] == '\n' || at[i] == '\r') at[i] = ' ';
  }
}

void write_base64(JsonWriter* writer, const char* bytes, std::size_t length) {
  if (length > writer->limit) {
    writer->fault = RowFault::kTooLarge;
    return;
  }
  const int size = pg_b64_enc_len(static_cast<int>(length));
  char* at = reserve(writer->out, static_cast<std::size_t>(size) + 2);
  at[0] = '"';
#if PG_VERSION_NUM >= 180000
  const int written = pg_b64_encode(reinterpret_cast<const uint8*>(bytes), static_cast<int>(length), at + 1, size);
#else
  const int written = pg_b64_encode(bytes, static_cast<int>(length), at + 1, size);
#endif
  at[1 + written] = '"';
  writer->out->size += static_cast<std::size_t>(written) + 2;
}

void write_number(JsonWriter* writer, const char* text, std::size_t length) {
  const char first = text[0] == '-' ? text[1] : text[0];
  if (first >= '0' && first <= '9') {
    append(writer->out, text, length);
  } else {
    write_quoted(writer->out, text, length);
  }
}

void write_date_time(JsonWriter* writer, Datum value, Oid type) {
  const bool has_time = type != DATEOID;
  std::int64_t days = has_time ? 0 : DatumGetDateADT(value);
  std::int64_t rest = 0;
  if (has_time) {
    days = DatumGetTimestamp(value) / USECS_PER_DAY;
    rest = DatumGetTimestamp(value) % USECS_PER_DAY;
    if (rest < 0) {
      rest += USECS_PER_DAY;
      --days;
    }
  }
  char* const start = reserve(writer->out, 48);
  char* at = start;
  *at++ = '"';
  if (!put_date(&at, days)) {
    char text[MAXDATELEN + 1];
    JsonEncodeDateTime(text, value, type, nullptr);  // in UTC, the session's time zone by the caller
    return write_quoted(writer->out, text, std::strlen(text));
  }
  if (has_time) {
    *at++ = 'T';
    at = put_time(at, rest);
  }
  if (type == TIMESTAMPTZOID) {
    std::memcpy(at, "+00:00", 6);
    at += 6;
  }
  *at++ = '"';
  writer->out->size += static_cast<std::size_t>(at - start);
}

void write_uuid(Bytes* out, const unsigned char* bytes) {
  constexpr char kHex[] = "0123456789abcdef";
  char* to = reserve(out, 36);
  for (int i = 0; i < 16; ++i) {
    if (i == 4 || i == 6 || i == 8 || i == 10) *to++ = '-';
    *to++ = kHex[bytes[i] >> 4];
    *to++ = kHex[bytes[i] & 15];
  }
  out->size += 36;
}

}  // namespace etl::pg

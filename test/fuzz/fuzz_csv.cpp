// Any bytes as a CSV file, against a reader that is slow and follows the words of file/csv.hpp and csv_scanner.hpp one
// character at a time. Then: a reader that begins at any place gives what followed there; a tail gives the front of
// what the whole file gives. The first four bytes choose options, limit, the size of pieces and the cuts.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/error.hpp"
#include "file/byte_source.hpp"
#include "file/csv.hpp"

namespace {

using etl::file::CsvOptions;
using etl::file::CsvReader;
using etl::file::Limits;
using etl::file::Place;
using etl::file::Read;
using Texts = std::vector<std::optional<std::string>>;

void require(bool holds) {
  if (!holds) abort();
}

// A text in pieces of one size.
class Pieces : public etl::file::ByteSource {
 public:
  Pieces(std::string_view text, std::size_t piece) : text_(text), piece_(piece) {}
  std::size_t read(char* buffer, std::size_t size) override {
    const std::size_t got = text_.copy(buffer, std::min(size, piece_), std::min(at_, text_.size()));
    at_ += got;
    return got;
  }
  void skip_to(std::uint64_t byte) override {
    require(byte >= at_);  // a gzip cannot go back
    at_ = byte;
  }

 private:
  std::string_view text_;
  std::size_t piece_;
  std::size_t at_ = 0;
};

// What became of a record.
struct Outcome {
  std::string sqlstate;  // of a bad one
  Texts fields;
  std::string raw;
  std::uint64_t line = 0;
  Place place;

  bool operator==(const Outcome& other) const {
    return sqlstate == other.sqlstate && fields == other.fields && raw == other.raw && line == other.line &&
           place.byte == other.place.byte && place.line == other.place.line;
  }
};

struct Reading {
  std::string sqlstate;  // of what was thrown
  std::vector<std::string> columns;
  std::vector<Outcome> records;
};

class Reference {
 public:
  Reference(std::string_view text, const CsvOptions& options, const Limits& limits)
      : text_(text), options_(options), limits_(limits) {}

  Reading read() {
    Reading reading;
    reading.columns = options_.columns;
    std::size_t at = text_.substr(0, 3) == "\xef\xbb\xbf" ? 3 : 0;
    std::uint64_t line = 1;
    Outcome first;
    std::size_t wanted = options_.columns.size();
    std::vector<std::size_t> picked;
    for (std::size_t i = 0; i < wanted; ++i) picked.push_back(i);

    if (options_.header || options_.columns.empty()) {
      std::size_t behind = at;
      std::uint64_t line_behind = line;
      if (!record(behind, line_behind, first)) return reading;
      reading.sqlstate = first.sqlstate;
      wanted = first.fields.size();
      if (reading.sqlstate.empty() && wanted > limits_.fields) reading.sqlstate = "54011";
      if (!reading.sqlstate.empty()) return reading;
      if (!name_columns(first.fields, reading, picked)) return reading;
      if (options_.header) {
        at = behind;
        line = line_behind;
      }
    }
    for (Outcome outcome; record(at, line, outcome);) {
      if (outcome.sqlstate.empty() && outcome.fields.size() != wanted) outcome.sqlstate = "22P04";
      Texts fields;
      if (outcome.sqlstate.empty()) {
        for (const std::size_t i : picked) fields.push_back(outcome.fields[i]);
      }
      outcome.fields = std::move(fields);
      reading.records.push_back(outcome);
    }
    return reading;
  }

 private:
  bool name_columns(const Texts& fields, Reading& reading, std::vector<std::size_t>& picked) {
    std::vector<std::string> names;
    for (const auto& field : fields) {
      const std::string name = field.value_or(options_.null);
      names.push_back(options_.header && !name.empty() ? name : "column" + std::to_string(names.size() + 1));
    }
    for (std::size_t i = 0; i < names.size(); ++i) {
      for (std::size_t j = 0; j < i; ++j) {
        if (names[i] == names[j]) reading.sqlstate = "22P04";
      }
    }
    if (reading.columns.empty()) reading.columns = names;
    picked.clear();
    for (const std::string& column : reading.columns) {
      const auto found = std::find(names.begin(), names.end(), column);
      if (found == names.end()) reading.sqlstate = "22P04";
      picked.push_back(static_cast<std::size_t>(found - names.begin()));
    }
    return reading.sqlstate.empty();
  }

  char at(std::size_t i) const { return text_[i]; }

  // How many bytes of a line end stand there; the first one says which they are in this file.
  std::size_t line_end(std::size_t i) {
    if (i >= text_.size()) return 0;
    const bool feed_follows = i + 1 < text_.size() && at(i + 1) == '\n';
    if (at(i) == '\n' && ends_ != '\r') {
      ends_ = '\n';
      return 1;
    }
    if (at(i) != '\r') return 0;
    if (ends_ == '\r') return 1;
    if (feed_follows) {
      ends_ = '\n';
      return 2;
    }
    if (i + 1 == text_.size()) return options_.tail ? 0 : 1;
    if (ends_ == '\n') return 0;
    ends_ = '\r';
    return 1;
  }

  // The record from `start` on that is not blank, and where the next one begins. False: there is none.
  bool record(std::size_t& start, std::uint64_t& line, Outcome& outcome) {
    while (const std::size_t blank = line_end(start)) {
      start += blank;
      ++line;
    }
    if (start >= text_.size()) return false;
    outcome = {};
    outcome.line = line;
    if (!parse(start, line, outcome)) return false;
    outcome.place = {start, line - 1};
    if (!outcome.sqlstate.empty()) outcome.fields.clear();
    return true;
  }

  bool parse(std::size_t& start, std::uint64_t& line, Outcome& outcome) {
    enum { kStart, kPlain, kQuoted, kClosed, kLost } state = kStart;
    std::string field;
    bool quoted = false;
    std::uint64_t breaks = 0;
    const auto blame = [&](const char* sqlstate) {
      if (outcome.sqlstate.empty()) outcome.sqlstate = sqlstate;
    };
    const auto end_field = [&] {
      const bool is_null = !quoted && field == options_.null;
      outcome.fields.push_back(is_null ? std::nullopt : std::optional(field));
      field.clear();
      quoted = false;
      state = kStart;
    };
    for (std::size_t i = start;; ++i) {
      const bool over = i > start + limits_.record_bytes + 1;
      if (over || (i == text_.size() && (state == kQuoted || options_.tail))) {
        if (!over && options_.tail) return false;
        return state == kQuoted ? skip(start, line, outcome, start, 0, "22P04")
                                : skip(start, line, outcome, i, breaks, "54000");
      }
      const std::size_t ends = state == kQuoted ? 0 : line_end(i);
      if (ends > 0 || i == text_.size()) {
        end_field();
        const std::size_t size = i - start;
        if (size > limits_.record_bytes) outcome.sqlstate = "54000";
        outcome.raw = text_.substr(start, std::min(size, limits_.record_bytes));
        start = i + ends;
        line += breaks + 1;
        return true;
      }
      const char c = at(i);
      const bool is_quote = c == options_.quote;
      if (state == kQuoted) {
        if (is_quote) {
          state = kClosed;
        } else {
          field += c;
          if (c == '\r' || (c == '\n' && at(i - 1) != '\r')) ++breaks;
          if (c == '\0') blame("22P05");
        }
      } else if (state == kClosed && is_quote) {
        field += c;
        state = kQuoted;
      } else if (state == kStart && is_quote) {
        quoted = true;
        state = kQuoted;
      } else if (state != kLost && c == options_.delimiter) {
        end_field();
      } else if (state == kClosed || (state == kPlain && is_quote)) {
        blame("22P04");
        state = kLost;
      } else {
        if (c == '\0') blame("22P05");
        if (state == kLost) continue;
        const bool before_feed = c == '\r' && ends_ != '\r' && i + 1 < text_.size() && at(i + 1) == '\n';
        if ((c == '\n' || c == '\r') && !before_feed) blame("22P04");
        field += c;
        state = kPlain;
      }
    }
  }

  // The record ends with the first line end from `from` on.
  bool skip(std::size_t& start, std::uint64_t& line, Outcome& outcome, std::size_t from, std::uint64_t breaks,
            const char* sqlstate) {
    outcome.sqlstate = sqlstate;
    std::size_t end = from;
    std::size_t ends = 0;
    while (end < text_.size() && (ends = line_end(end)) == 0) ++end;
    if (ends == 0 && options_.tail) return false;
    outcome.raw = text_.substr(start, std::min(end - start, limits_.record_bytes));
    start = end + ends;
    line += breaks + 1;
    return true;
  }

  std::string_view text_;
  const CsvOptions& options_;
  const Limits& limits_;
  char ends_ = 0;
};

Reading read(std::string_view text, const CsvOptions& options, const Limits& limits, std::size_t piece,
             Place start = {}, std::size_t count = SIZE_MAX, Place* place = nullptr) {
  Reading reading;
  try {
    CsvReader reader(std::make_unique<Pieces>(text, piece), options, limits, start);
    reading.columns = reader.columns();
    etl::file::Record record;
    for (Read result; reading.records.size() < count && (result = reader.next(record)) != Read::kEnd;) {
      Outcome outcome;
      if (result == Read::kBad) outcome.sqlstate = record.error.sqlstate;
      for (const etl::file::Field& field : record.fields) {
        require(field.text == nullptr || field.text[field.size] == '\0');
        outcome.fields.push_back(field.text == nullptr ? std::nullopt
                                                       : std::optional(std::string(field.text, field.size)));
      }
      require(result == Read::kRecord ? outcome.fields.size() == reading.columns.size() : outcome.fields.empty());
      outcome.raw = record.raw;
      outcome.line = record.line;
      outcome.place = reader.place();
      require(outcome.raw.size() <= limits.record_bytes);
      reading.records.push_back(outcome);
    }
    if (place != nullptr) *place = reader.place();
  } catch (const etl::Error& error) {
    reading.sqlstate = error.sqlstate;
    reading.records.clear();
  }
  return reading;
}

bool begins_with(const std::vector<Outcome>& whole, const std::vector<Outcome>& front) {
  return front.size() <= whole.size() && std::equal(front.begin(), front.end(), whole.begin());
}

void require_tail_is_front(std::string_view text, CsvOptions options, const Limits& limits, std::size_t cut,
                           const Reading& whole) {
  options.tail = true;
  Place place;
  const Reading front = read(text.substr(0, cut), options, limits, 64, {}, SIZE_MAX, &place);
  if (!front.sqlstate.empty()) {
    require(front.sqlstate == whole.sqlstate);
    return;
  }
  if (!whole.sqlstate.empty()) {
    require(front.records.empty());
    return;
  }
  require(begins_with(whole.records, front.records));
  options.tail = false;
  const Reading rest = read(text, options, limits, 64, place);
  require(rest.records.size() == whole.records.size() - front.records.size());
  require(std::equal(rest.records.begin(), rest.records.end(),
                     whole.records.end() - static_cast<std::ptrdiff_t>(rest.records.size())));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 4) return 0;
  const std::string_view text(reinterpret_cast<const char*>(data) + 4, size - 4);
  CsvOptions options;
  options.header = (data[0] & 1) != 0;
  options.tail = (data[0] & 2) != 0;
  if ((data[0] & 4) != 0) options.quote.reset();
  if ((data[0] & 8) != 0) options.columns = {"b", "a"};
  if ((data[0] & 16) != 0) options.delimiter = ';';
  if ((data[0] & 32) != 0) options.null = "N";
  Limits limits;
  limits.record_bytes = 1 + data[1] % 64u;
  limits.fields = 2 + data[1] / 64u;
  options.chunk = 3 + data[2] % 5u * 32;
  const std::size_t piece = data[2] < 128 ? data[2] + 1u : 1u << 16;

  const Reading expected = Reference(text, options, limits).read();
  Reading seen = read(text, options, limits, piece);
  require(seen.sqlstate == expected.sqlstate);
  if (!seen.sqlstate.empty()) {
    if (!options.tail) require_tail_is_front(text, options, limits, data[3] % (text.size() + 1), seen);
    return 0;
  }
  require(seen.columns == expected.columns);
  require(seen.records == expected.records);

  Place place;
  const std::size_t half = data[3] % (seen.records.size() + 1);
  read(text, options, limits, piece, {}, half, &place);
  const Reading rest = read(text, options, limits, piece, place);
  require(rest.sqlstate.empty() && rest.columns == seen.columns);
  require(std::equal(rest.records.begin(), rest.records.end(), seen.records.begin() + static_cast<std::ptrdiff_t>(half),
                     seen.records.end()));
  if (!options.tail) require_tail_is_front(text, options, limits, data[3] % (text.size() + 1), seen);
  return 0;
}

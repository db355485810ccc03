// One record of JSON: the text of an object, taken apart into the members that are columns.
//
// RapidJSON reads a copy of the text in place, so that a string's field is its decoded bytes where they stood. A number
// and a nested value are put back over the copy from the text itself, so that they are byte for byte what was written.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "core/error.hpp"
#include "file/record.hpp"

namespace etl::file {

enum class JsonKind : unsigned char { kNull, kBoolean, kNumber, kString, kNested };

struct JsonValue {
  JsonKind kind = JsonKind::kNull;
  Field field;  // NULL for null and for a member that is missing
};

// The columns' names, and which one a member is. A record's members mostly stand where the last record's did, so that
// one comparison finds a column.
class JsonColumns {
 public:
  // Error 42701 when a name is there twice.
  explicit JsonColumns(std::vector<std::string> names);

  static constexpr int kNone = -1;
  // The column of the member at that position of its object, or kNone.
  int find(std::size_t position, std::string_view name);
  // Makes it a column if it is none. kNone for the name "", which no column can have.
  int add(std::string_view name);

  const std::vector<std::string>& names() const { return names_; }

 private:
  struct Slot {
    std::string name;
    int column = kUnknown;
  };
  static constexpr int kUnknown = -2;
  struct Hash {
    using is_transparent = void;
    std::size_t operator()(std::string_view text) const { return std::hash<std::string_view>()(text); }
  };
  int look_up(std::string_view name) const;

  std::vector<std::string> names_;
  std::unordered_map<std::string, int, Hash, std::equal_to<>> columns_;
  std::vector<Slot> slots_;  // by position, as the last record had it
};

class JsonRecord {
 public:
  // With `learn` every member of a record becomes a column, up to limits.fields; else only those named are read.
  JsonRecord(std::vector<std::string> columns, bool learn, const Limits& limits);
  ~JsonRecord();

  enum class Outcome {
    kObject,
    kBad,     // JSON, but not a record that we take
    kSyntax,  // no JSON: where the record ends is in doubt
  };
  // Takes a text apart. kBad and kSyntax say why in `error`: 22P02 no JSON, no object, or half a surrogate pair; 22P05
  // \u0000; 22021 bytes that are not UTF-8; 54001 nested more deeply than limits.json_depth. Throws 54011 when it
  // learns more columns than limits.fields.
  Outcome read(std::string_view text, Error& error);

  // By column, of the last kObject; valid until the next call. The last one of doubled members, as jsonb has it.
  const std::vector<JsonValue>& values() const { return values_; }
  const std::vector<std::string>& columns() const { return columns_.names(); }

 private:
  class Handler;
  struct Parser;

  Outcome judge(const Handler& handler, std::string_view text, std::size_t end, Error& error) const;
  void copy(std::string_view text);
  void hide_huge_numbers(std::string_view text);
  void put_back(std::string_view text, bool hidden);

  JsonColumns columns_;
  bool learn_;
  Limits limits_;
  std::unique_ptr<Parser> parser_;
  std::vector<char> copy_;
  std::vector<JsonValue> values_;
};

}  // namespace etl::file

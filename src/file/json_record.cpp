#include "file/json_record.hpp"

// Lets RapidJSON skip strings 16 bytes at a time. In a namespace of its own, because its templates are other ones then
// than those of the rooms that read JSON without.
#ifdef __SSE2__
#define RAPIDJSON_SSE2
#endif
#define RAPIDJSON_NAMESPACE etl_file_rapidjson
#include <rapidjson/error/en.h>
#include <rapidjson/reader.h>

#include <algorithm>
#include <cstring>
#include <utility>

#include "file/utf8.hpp"

namespace etl::file {
namespace {

namespace rj = etl_file_rapidjson;

// Without kParseValidateEncodingFlag: the text was looked through before, and RapidJSON copies byte by byte with it.
constexpr unsigned kFlags = rj::kParseIterativeFlag | rj::kParseInsituFlag | rj::kParseNumbersAsStringsFlag;

// RapidJSON loads 16 bytes at a time, up to 15 of them behind the end.
constexpr std::size_t kPadding = 16;

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

// The length of the number at the front by JSON's grammar, 0 if there is none.
std::size_t number_length(std::string_view text) {
  std::size_t at = text.starts_with('-') ? 1 : 0;
  const auto digits = [&] {
    const std::size_t start = at;
    while (at < text.size() && is_digit(text[at])) ++at;
    return at - start;
  };
  const bool zero = at < text.size() && text[at] == '0';
  const std::size_t whole = digits();
  if (whole == 0 || (zero && whole > 1)) return 0;
  if (at < text.size() && text[at] == '.') {
    ++at;
    if (digits() == 0) return 0;
  }
  if (at < text.size() && (text[at] == 'e' || text[at] == 'E')) {
    ++at;
    if (at < text.size() && (text[at] == '+' || text[at] == '-')) ++at;
    if (digits() == 0) return 0;
  }
  return at;
}

// Where the first byte from 0x1a to 0x1f stands, which no JSON has anywhere; npos: nowhere. RapidJSON 1.1 takes them in
// strings that it skips 16 bytes at a time.
std::size_t late_control(std::string_view text) {
  constexpr std::size_t kBlock = 16;
  const auto is_one = [](char c) { return static_cast<unsigned char>(c - 0x1a) < 6; };
  std::size_t at = 0;
  for (; at + kBlock <= text.size(); at += kBlock) {
    unsigned char any = 0;
    for (std::size_t i = 0; i < kBlock; ++i) any |= static_cast<unsigned char>(is_one(text[at + i]));
    if (any != 0) break;
  }
  for (; at < text.size(); ++at) {
    if (is_one(text[at])) return at;
  }
  return text.npos;
}

// True of a decoded text with half of a surrogate pair, which RapidJSON takes as \udc00. The text that it was decoded
// from was UTF-8.
bool has_surrogate(std::string_view text) {
  for (std::size_t i = text.find('\xed'); i != text.npos; i = text.find('\xed', i + 1)) {
    if (i + 1 < text.size() && static_cast<unsigned char>(text[i + 1]) >= 0xa0) return true;
  }
  return false;
}

}  // namespace

JsonColumns::JsonColumns(std::vector<std::string> names) : names_(std::move(names)) {
  for (std::size_t i = 0; i < names_.size(); ++i) {
    if (!columns_.emplace(names_[i], static_cast<int>(i)).second) {
      throw Error("42701", "column \"" + names_[i] + "\" is named twice", "", "Name each member once.");
    }
  }
}

int JsonColumns::look_up(std::string_view name) const {
  const auto found = columns_.find(name);
  return found == columns_.end() ? kNone : found->second;
}

int JsonColumns::find(std::size_t position, std::string_view name) {
  constexpr std::size_t kSlots = 4096, kLongestName = 64;  // behind them and above it, each is looked up
  if (position >= kSlots || name.size() > kLongestName) return look_up(name);
  if (position >= slots_.size()) slots_.resize(position + 1);
  Slot& slot = slots_[position];
  if (slot.column == kUnknown || slot.name != name) {
    slot.column = look_up(name);
    slot.name = name;
  }
  return slot.column;
}

int JsonColumns::add(std::string_view name) {
  const int known = look_up(name);
  if (known != kNone || name.empty()) return known;
  names_.emplace_back(name);
  columns_.emplace(name, static_cast<int>(names_.size()) - 1);
  return static_cast<int>(names_.size()) - 1;
}

// Depth 1 is the record. Sees the stream, because RapidJSON does not say where a nested value begins and ends.
class JsonRecord::Handler : public rj::BaseReaderHandler<rj::UTF8<>, Handler> {
 public:
  Handler(JsonRecord& record, const rj::InsituStringStream& stream, bool has_escapes)
      : record_(record), stream_(stream), has_escapes_(has_escapes) {}

  bool Key(const char* text, rj::SizeType length, bool) {
    const std::string_view name(text, length);
    if (has_escapes_ && !check(name)) return false;
    if (depth_ == 1) column_ = record_.learn_ ? learn(name) : record_.columns_.find(position_++, name);
    return true;
  }
  bool String(const char* text, rj::SizeType length, bool) {
    if (has_escapes_ && !check({text, length})) return false;
    return value(JsonKind::kString, text, length);
  }
  bool RawNumber(const char* text, rj::SizeType length, bool) { return value(JsonKind::kNumber, text, length); }
  bool Bool(bool yes) { return value(JsonKind::kBoolean, yes ? "true" : "false", yes ? 4 : 5); }
  bool Null() { return value(JsonKind::kNull, nullptr, 0); }
  bool StartObject() { return start(true); }
  bool StartArray() { return start(false); }
  bool EndObject(rj::SizeType) { return end(); }
  bool EndArray(rj::SizeType) { return end(); }

  enum class Refusal { kNone, kTooDeep, kZero, kSurrogate };
  Refusal refusal() const { return refusal_; }
  bool is_object() const { return is_object_; }

 private:
  bool refuse(Refusal why) {
    refusal_ = why;
    return false;
  }
  bool check(std::string_view text) {
    if (text.find('\0') != text.npos) return refuse(Refusal::kZero);
    return has_surrogate(text) ? refuse(Refusal::kSurrogate) : true;
  }
  int learn(std::string_view name) {
    const int column = record_.columns_.add(name);
    const std::size_t columns = record_.columns().size();
    if (columns > record_.limits_.fields) {
      throw Error("54011", "records have too many members",
                  "More than " + std::to_string(record_.limits_.fields) + " different ones were found.",
                  "Name the members that are wanted.");
    }
    if (record_.values_.size() < columns) record_.values_.resize(columns);
    return column;
  }
  bool value(JsonKind kind, const char* text, std::size_t size) {
    if (depth_ == 1 && column_ != JsonColumns::kNone) {
      record_.values_[static_cast<std::size_t>(column_)] = {kind, {text, size}};
    }
    return true;
  }
  bool start(bool object) {
    if (depth_ == 0) is_object_ = object;
    if (depth_ == 1) nested_ = stream_.src_;
    return ++depth_ <= record_.limits_.json_depth ? true : refuse(Refusal::kTooDeep);
  }
  bool end() {
    --depth_;
    return value(JsonKind::kNested, nested_, static_cast<std::size_t>(stream_.src_ + 1 - nested_));
  }

  JsonRecord& record_;
  const rj::InsituStringStream& stream_;
  const bool has_escapes_;
  bool is_object_ = false;
  int depth_ = 0;
  int column_ = JsonColumns::kNone;
  std::size_t position_ = 0;
  const char* nested_ = nullptr;
  Refusal refusal_ = Refusal::kNone;
};

struct JsonRecord::Parser {
  rj::Reader reader;
};

JsonRecord::JsonRecord(std::vector<std::string> columns, bool learn, const Limits& limits)
    : columns_(std::move(columns)), learn_(learn), limits_(limits), parser_(std::make_unique<Parser>()) {}

JsonRecord::~JsonRecord() = default;

void JsonRecord::copy(std::string_view text) {
  if (copy_.size() < text.size() + kPadding) copy_.resize(text.size() + kPadding);
  std::memcpy(copy_.data(), text.data(), text.size());
  std::memset(copy_.data() + text.size(), 0, kPadding);
}

// RapidJSON refuses what no double can hold, as 1e400 and integers of 310 digits, which JSON allows and numeric takes.
// Writes a zero and blanks over each number that may be one.
void JsonRecord::hide_huge_numbers(std::string_view text) {
  copy(text);
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '"') {
      for (++i; i < text.size() && text[i] != '"'; ++i) i += text[i] == '\\';
    } else if (text[i] == '-' || is_digit(text[i])) {
      const std::size_t end = std::min(text.find_first_not_of("+-.0123456789Ee", i), text.size());
      if (number_length(text.substr(i)) == end - i) {
        std::memset(copy_.data() + i, ' ', end - i);
        copy_[i] = '0';
      }
      i = end - 1;
    }
  }
}

void JsonRecord::put_back(std::string_view text, bool hidden) {
  for (JsonValue& value : values_) {
    if (value.kind != JsonKind::kNumber && value.kind != JsonKind::kNested) continue;
    const auto at = static_cast<std::size_t>(value.field.text - copy_.data());
    if (hidden && value.kind == JsonKind::kNumber) value.field.size = number_length(text.substr(at));
    // Behind the value stands a comma, a brace or a blank: no byte of another field.
    std::memcpy(copy_.data() + at, text.data() + at, value.field.size);
    copy_[at + value.field.size] = '\0';
  }
}

// What else may be wrong with a text than its syntax. `end` is where RapidJSON stopped.
JsonRecord::Outcome JsonRecord::judge(const Handler& handler, std::string_view text, std::size_t end,
                                      Error& error) const {
  const rj::ParseErrorCode code = parser_->reader.GetParseErrorCode();
  if (handler.refusal() == Handler::Refusal::kTooDeep) {
    error = Error("54001", "a record is nested too deeply",
                  "More than " + std::to_string(limits_.json_depth) + " levels were found.",
                  "Nest arrays and objects less deeply, or raise etl.max_json_depth.");
  } else if (handler.refusal() == Handler::Refusal::kZero) {
    error = Error("22P05", "unsupported Unicode escape sequence", "\\u0000 cannot be converted to text.");
  } else if (handler.refusal() == Handler::Refusal::kSurrogate ||
             code == rj::kParseErrorStringUnicodeSurrogateInvalid) {
    error = Error("22P02", "a record is not valid JSON", "An escape is half of a surrogate pair.");
  } else if (end < text.size() && text[end] == '\0') {  // which is the end for RapidJSON
    error =
        Error("22021", "invalid byte sequence for encoding \"UTF8\": 0x00", "At offset " + std::to_string(end) + ".");
  } else if (code != rj::kParseErrorNone) {
    error = Error("22P02", "a record is not valid JSON",
                  std::string(rj::GetParseError_En(code)) + " At offset " + std::to_string(end) + ".");
    return Outcome::kSyntax;
  } else if (!handler.is_object()) {
    error = Error("22P02", "a record is not a JSON object", "", "Write each record as {\"name\": value, …}.");
  } else {
    return Outcome::kObject;
  }
  return Outcome::kBad;
}

JsonRecord::Outcome JsonRecord::read(std::string_view text, Error& error) {
  const std::size_t valid = valid_utf8(text);
  if (valid < text.size()) {
    error = Error("22021", "invalid byte sequence for encoding \"UTF8\"", "At offset " + std::to_string(valid) + ".");
    return Outcome::kBad;
  }
  if (const std::size_t at = late_control(text); at != text.npos) {
    error = Error("22P02", "a record is not valid JSON",
                  "A control character must be escaped. At offset " + std::to_string(at) + ".");
    return Outcome::kSyntax;
  }
  const bool has_escapes = text.find('\\') != text.npos;
  copy(text);
  for (bool hidden = false;; hidden = true) {
    values_.assign(columns_.names().size(), JsonValue{});
    rj::InsituStringStream stream(copy_.data());
    Handler handler(*this, stream, has_escapes);
    const rj::ParseResult result = parser_->reader.Parse<kFlags>(stream, handler);
    if (result.Code() == rj::kParseErrorNumberTooBig && !hidden) {
      hide_huge_numbers(text);
      continue;
    }
    const Outcome outcome = judge(handler, text, result.IsError() ? result.Offset() : stream.Tell(), error);
    if (outcome == Outcome::kObject) put_back(text, hidden);
    return outcome;
  }
}

}  // namespace etl::file

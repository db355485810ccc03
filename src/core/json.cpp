#include "core/json.hpp"

#include <rapidjson/error/en.h>
#include <rapidjson/reader.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdlib>
#include <utility>

namespace etl::json {

namespace {

// Counts the depth before a document is built, so that no hostile nesting reaches code that recurses; and refuses the
// second half of a surrogate pair alone (\udc00), which RapidJSON 1.1 takes and writes as bytes that are not UTF-8.
struct FirstPass : rapidjson::BaseReaderHandler<rapidjson::UTF8<>, FirstPass> {
  bool StartObject() { return ++depth <= kMaxDepth; }
  bool StartArray() { return ++depth <= kMaxDepth; }
  bool EndObject(rapidjson::SizeType) { return --depth >= 0; }
  bool EndArray(rapidjson::SizeType) { return --depth >= 0; }
  bool String(const char* text, rapidjson::SizeType length, bool) {  // and names of members
    for (rapidjson::SizeType i = 0; i + 1 < length; ++i) {
      if (static_cast<unsigned char>(text[i]) == 0xed && static_cast<unsigned char>(text[i + 1]) >= 0xa0) return false;
    }
    return true;
  }
  int depth = 0;
};

constexpr unsigned kFlags = rapidjson::kParseIterativeFlag | rapidjson::kParseValidateEncodingFlag;

// Numbers by <charconv>: RapidJSON 1.1 misses the last bit of some doubles, and with kParseFullPrecisionFlag counts the
// leading zeros of 0 on "0e201".
struct Builder {
  Document& to;

  bool Null() { return to.Null(); }
  bool Bool(bool value) { return to.Bool(value); }
  bool Int(int value) { return to.Int(value); }
  bool Uint(unsigned value) { return to.Uint(value); }
  bool Int64(std::int64_t value) { return to.Int64(value); }
  bool Uint64(std::uint64_t value) { return to.Uint64(value); }
  bool Double(double value) { return to.Double(value); }
  bool String(const char* text, rapidjson::SizeType size, bool copy) { return to.String(text, size, copy); }
  bool StartObject() { return to.StartObject(); }
  bool Key(const char* text, rapidjson::SizeType size, bool copy) { return to.Key(text, size, copy); }
  bool EndObject(rapidjson::SizeType members) { return to.EndObject(members); }
  bool StartArray() { return to.StartArray(); }
  bool EndArray(rapidjson::SizeType elements) { return to.EndArray(elements); }
  // False: it is beyond the largest double.
  bool RawNumber(const char* text, rapidjson::SizeType size, bool) {
    const char* end = text + size;
    const auto takes = [&](auto& value) {
      const auto [at, error] = std::from_chars(text, end, value);
      return error == std::errc() && at == end;
    };
    std::int64_t whole = 0;
    if (takes(whole)) return to.Int64(whole);
    std::uint64_t large = 0;
    if (takes(large)) return to.Uint64(large);
    double real = 0;
    if (!takes(real)) real = std::strtod(std::string(text, size).c_str(), nullptr);  // 0 where it is too small
    return std::isfinite(real) && to.Double(real);
  }
};

// Doubles by the shortest digits that are read as the same, laid out as RapidJSON does.
struct ShortestWriter : Writer {
  using Writer::Writer;
  bool Double(double value) {
    char text[64];
    char* digits = text;
    if (std::signbit(value)) *digits++ = '-';
    const char* end =
        std::to_chars(digits, text + sizeof text, std::fabs(value), std::chars_format::scientific).ptr;  // 1.25e-07
    const char* exponent = std::find(const_cast<const char*>(digits), end, 'e');
    int power = 0;
    std::from_chars(exponent + (exponent[1] == '+' ? 2 : 1), end, power);
    const char* last = std::remove(digits, const_cast<char*>(exponent), '.');
    const auto length = static_cast<int>(last - digits);
    const char* pretty = rapidjson::internal::Prettify(digits, length, power - length + 1, kDefaultMaxDecimalPlaces);
    return RawValue(text, static_cast<std::size_t>(pretty - text), rapidjson::kNumberType);
  }
};

[[noreturn]] void refuse_member(const Value& value, const char* name, const char* wanted, const char* hint) {
  throw Error("22023", "\"" + std::string(name) + "\" must be " + wanted, "It is " + write(value) + ".", hint);
}

}  // namespace

Document parse(std::string_view text, std::string_view what) {
  rapidjson::MemoryStream stream(text.data(), text.size());
  FirstPass first;
  rapidjson::Reader reader;
  const auto outcome = reader.Parse<kFlags>(stream, first);
  if (outcome.Code() == rapidjson::kParseErrorTermination && first.depth <= kMaxDepth) {
    throw Error("22P02", std::string(what) + " is not valid JSON",
                "An escape is half of a surrogate pair. At offset " + std::to_string(outcome.Offset()) + ".");
  }
  if (outcome.Code() == rapidjson::kParseErrorTermination) {
    throw Error("54001", std::string(what) + " is nested too deeply",
                "More than " + std::to_string(kMaxDepth) + " levels were found.",
                "Nest arrays and objects less deeply.");
  }
  if (outcome.IsError()) {
    throw Error("22P02", std::string(what) + " is not valid JSON",
                std::string(rapidjson::GetParseError_En(outcome.Code())) + " At offset " +
                    std::to_string(outcome.Offset()) + ".");
  }
  Document document;
  rapidjson::MemoryStream again(text.data(), text.size());
  bool built = false;
  auto build = [&](Document& to) {
    Builder builder{to};
    rapidjson::Reader second;
    built = !second.Parse<kFlags | rapidjson::kParseNumbersAsStringsFlag>(again, builder).IsError();
    return built;
  };
  document.Populate(build);
  // The first pass lets a few numbers beyond the largest double through.
  if (!built)
    throw Error("22003", std::string(what) + " has a number that is out of range", {}, "Write it as a string.");
  return document;
}

namespace {

// The digits of a JSON number without zeros at its ends, and the power of ten of the first: 100 and 1.0e2 are alike.
std::pair<std::string, long> parts(std::string_view number) {
  const std::size_t exponent_at = std::min(number.find_first_of("eE"), number.size());
  std::string_view mantissa = number.substr(0, exponent_at);
  long power =
      exponent_at < number.size() ? std::strtol(std::string(number.substr(exponent_at + 1)).c_str(), nullptr, 10) : 0;
  constexpr long kFar = 1'000'000'000;  // beyond what either side may have
  power = std::clamp(power, -kFar, kFar);
  const std::size_t point = std::min(mantissa.find('.'), mantissa.size());
  power += static_cast<long>(point);
  std::string digits;
  for (const char c : mantissa) {
    if (c != '.' && c != '-') digits += c;
  }
  if (mantissa.starts_with('-')) --power;
  const std::size_t first = digits.find_first_not_of('0');
  if (first == std::string::npos) return {};
  digits.erase(0, first);
  digits.erase(digits.find_last_not_of('0') + 1);
  return {(mantissa.starts_with('-') ? "-" : "") + digits, power - static_cast<long>(first)};
}

struct Numbers : rapidjson::BaseReaderHandler<rapidjson::UTF8<>, Numbers> {
  bool RawNumber(const char* text, rapidjson::SizeType length, bool) {
    const std::string written(text, length);
    const std::string kept = write(parse(written, "a number"));
    if (parts(kept) == parts(written)) return true;
    lost = written;
    become = kept;
    return false;
  }
  std::string lost;
  std::string become;
};

}  // namespace

Document parse_exact(std::string_view text, std::string_view what) {
  Document document = parse(text, what);
  rapidjson::MemoryStream stream(text.data(), text.size());
  Numbers numbers;
  rapidjson::Reader reader;
  (void)reader.Parse<kFlags | rapidjson::kParseNumbersAsStringsFlag>(stream, numbers);
  if (numbers.lost.empty()) return document;
  throw Error("22003", std::string(what) + " has a number with more digits than are kept",
              "It is " + numbers.lost.substr(0, 100) + ", which would become " + numbers.become + ".",
              "Put it into double quotes.");
}

std::string write(const Value& value) {
  Buffer buffer;
  ShortestWriter writer(buffer);
  value.Accept(writer);
  return {buffer.GetString(), buffer.GetSize()};
}

std::string_view text(const Value& value) {
  return {value.GetString(), value.GetStringLength()};
}

std::optional<std::string> text_member(const Value& object, const char* name) {
  const auto member = object.FindMember(name);
  if (member == object.MemberEnd() || member->value.IsNull()) return std::nullopt;
  if (!member->value.IsString()) refuse_member(member->value, name, "a string", "Put it into double quotes.");
  return std::string(text(member->value));
}

bool flag_member(const Value& object, const char* name, bool otherwise) {
  const auto member = object.FindMember(name);
  if (member == object.MemberEnd() || member->value.IsNull()) return otherwise;
  if (!member->value.IsBool()) refuse_member(member->value, name, "true or false", "Write it without quotes.");
  return member->value.GetBool();
}

char byte_member(const Value& object, const char* name, char otherwise) {
  const auto member = object.FindMember(name);
  if (member == object.MemberEnd() || member->value.IsNull()) return otherwise;
  if (!member->value.IsString() || member->value.GetStringLength() != 1) {
    refuse_member(member->value, name, "a string of one byte", "Give one character of ASCII, in double quotes.");
  }
  return member->value.GetString()[0];
}

std::string write_texts(const Texts& texts) {
  Buffer buffer;
  Writer writer(buffer);
  writer.StartArray();
  for (const auto& t : texts) {
    if (t) {
      writer.String(t->data(), static_cast<rapidjson::SizeType>(t->size()));
    } else {
      writer.Null();
    }
  }
  writer.EndArray();
  return {buffer.GetString(), buffer.GetSize()};
}

Texts read_texts(const Value& array) {
  Texts texts;
  if (!array.IsArray()) throw Error("22023", "a JSON array was expected", "It is " + write(array) + ".");
  for (const auto& v : array.GetArray()) {
    if (v.IsNull()) {
      texts.emplace_back(std::nullopt);
    } else if (v.IsString()) {
      texts.emplace_back(std::string(text(v)));
    } else {
      texts.emplace_back(write(v));
    }
  }
  return texts;
}

Object::Object() : writer_(buffer_) {
  writer_.StartObject();
}

Object& Object::add(const char* name, std::string_view value) {
  writer_.Key(name);
  writer_.String(value.data(), static_cast<rapidjson::SizeType>(value.size()));
  return *this;
}

Object& Object::add(const char* name, const std::optional<std::string>& value) {
  if (value) return add(name, std::string_view(*value));
  return add_raw(name, "null");
}

Object& Object::add_number(const char* name, std::int64_t value) {
  writer_.Key(name);
  writer_.Int64(value);
  return *this;
}

Object& Object::add_bool(const char* name, bool value) {
  writer_.Key(name);
  writer_.Bool(value);
  return *this;
}

Object& Object::add_raw(const char* name, std::string_view json) {
  writer_.Key(name);
  writer_.RawValue(json.data(), json.size(), rapidjson::kObjectType);
  return *this;
}

std::string Object::str() {
  writer_.EndObject();
  return {buffer_.GetString(), buffer_.GetSize()};
}

}  // namespace etl::json

#include "file/json_writer.hpp"

#include <algorithm>

#include "core/json.hpp"

namespace etl::file {
namespace {

using Kind = WriterColumn::Kind;

std::size_t skip_digits(std::string_view text, std::size_t at) {
  while (at < text.size() && text[at] >= '0' && text[at] <= '9') ++at;
  return at;
}

// RFC 8259, 6. What PostgreSQL writes as a number is one, but for NaN and infinities.
bool is_number(std::string_view text) {
  const std::size_t first = text.starts_with('-') ? 1 : 0;
  std::size_t at = skip_digits(text, first);
  if (at == first || (text[first] == '0' && at > first + 1)) return false;
  if (at < text.size() && text[at] == '.') {
    const std::size_t fraction = at + 1;
    at = skip_digits(text, fraction);
    if (at == fraction) return false;
  }
  if (at < text.size() && (text[at] == 'e' || text[at] == 'E')) {
    std::size_t exponent = at + 1;
    if (exponent < text.size() && (text[exponent] == '+' || text[exponent] == '-')) ++exponent;
    at = skip_digits(text, exponent);
    if (at == exponent) return false;
  }
  return at == text.size();
}

std::vector<Want> wants_of(const std::vector<WriterColumn>& columns) {
  std::vector<Want> wants;
  for (const WriterColumn& column : columns) {
    wants.push_back(column.kind == Kind::kBool ? Want::kInteger : Want::kText);
  }
  return wants;
}

class JsonWriter final : public Writer {
 public:
  JsonWriter(ByteSink sink, std::vector<WriterColumn> columns, JsonShape shape)
      : Writer(wants_of(columns)), sink_(std::move(sink)), columns_(std::move(columns)), shape_(shape) {}

  void row(std::span<const Value> values) override {
    if (shape_ == JsonShape::kArray) put(has_rows_ ? ",\n" : "[\n");
    has_rows_ = true;
    writer_.Reset(buffer_);
    writer_.StartObject();
    for (std::size_t i = 0; i < columns_.size(); ++i) {
      writer_.Key(columns_[i].name.data(), static_cast<rapidjson::SizeType>(columns_[i].name.size()));
      write(columns_[i].kind, values[i]);
    }
    writer_.EndObject();
    if (shape_ == JsonShape::kLines) put("\n");
    if (buffer_.GetSize() >= kBuffer) flush();
  }

  void finish() override {
    if (shape_ == JsonShape::kArray) put(has_rows_ ? "\n]\n" : "[\n]\n");
    flush();
  }

 private:
  void flush() {
    if (buffer_.GetSize() == 0) return;
    sink_({buffer_.GetString(), buffer_.GetSize()});
    buffer_.Clear();
  }

  void put(std::string_view text) { std::copy(text.begin(), text.end(), buffer_.Push(text.size())); }
  void put_raw(std::string_view json, rapidjson::Type type) { writer_.RawValue(json.data(), json.size(), type); }

  void write(Kind kind, const Value& value) {
    if (value.null) {
      writer_.Null();
      return;
    }
    switch (kind) {
      case Kind::kBool:
        writer_.Bool(value.integer != 0);
        return;
      case Kind::kInt16:
      case Kind::kInt32:
      case Kind::kInt64:
      case Kind::kFloat:
      case Kind::kDouble:
      case Kind::kNumeric:
        if (is_number(value.text)) {
          put_raw(value.text, rapidjson::kNumberType);
          return;
        }
        break;
      case Kind::kJson:
        put_raw(on_one_line(value.text), rapidjson::kObjectType);
        return;
      default:
        break;
    }
    writer_.String(value.text.data(), static_cast<rapidjson::SizeType>(value.text.size()));
  }

  // A CR or LF of valid JSON is never within a string.
  std::string_view on_one_line(std::string_view json) {
    if (json.find_first_of("\r\n") == json.npos) return json;
    line_ = json;
    std::replace_if(
        line_.begin(), line_.end(), [](char byte) { return byte == '\r' || byte == '\n'; }, ' ');
    return line_;
  }

  const ByteSink sink_;
  const std::vector<WriterColumn> columns_;
  const JsonShape shape_;
  bool has_rows_ = false;
  json::Buffer buffer_;
  json::Writer writer_;
  std::string line_;
};

}  // namespace

std::unique_ptr<Writer> make_json_writer(ByteSink sink, std::vector<WriterColumn> columns, JsonShape shape) {
  return std::make_unique<JsonWriter>(std::move(sink), std::move(columns), shape);
}

}  // namespace etl::file

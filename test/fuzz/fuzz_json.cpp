// Any bytes as a JSON file, as lines and as an array. Each record delivered is what RapidJSON's document tree has;
// where the file was cut into pieces makes no difference, and a reader that starts at a place() delivers the rest.
#include <rapidjson/document.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "file/json_reader.hpp"

namespace {

using etl::file::Field;
using etl::file::JsonOptions;
using etl::file::JsonReader;
using etl::file::Limits;
using etl::file::Place;
using etl::file::Read;
using etl::file::Record;

constexpr unsigned kFlags =
    rapidjson::kParseIterativeFlag | rapidjson::kParseValidateEncodingFlag | rapidjson::kParseNumbersAsStringsFlag;

void require(bool holds) {
  if (!holds) abort();
}

class Bytes final : public etl::file::ByteSource {
 public:
  Bytes(std::string_view bytes, std::size_t piece) : bytes_(bytes), piece_(piece) {}
  std::size_t read(char* buffer, std::size_t size) override {
    const std::size_t got = bytes_.copy(buffer, std::min(size, piece_));
    bytes_.remove_prefix(got);
    return got;
  }
  void skip_to(std::uint64_t byte) override { bytes_.remove_prefix(static_cast<std::size_t>(byte)); }

 private:
  std::string_view bytes_;
  std::size_t piece_;
};

rapidjson::Document tree_of(std::string_view text) {
  rapidjson::Document tree;
  tree.Parse<kFlags>(text.data(), text.size());
  return tree;
}

// The last of the members of that name.
const rapidjson::Value* member(const rapidjson::Value& object, const std::string& name) {
  const rapidjson::Value* found = nullptr;
  for (const auto& entry : object.GetObject()) {
    if (std::string_view(entry.name.GetString(), entry.name.GetStringLength()) == name) found = &entry.value;
  }
  return found;
}

void require_same(const Field& field, const rapidjson::Value* value) {
  const std::string_view text = field.text == nullptr ? std::string_view() : std::string_view(field.text, field.size);
  require(field.text == nullptr || field.text[field.size] == '\0');
  if (value == nullptr || value->IsNull()) return require(field.text == nullptr);
  if (value->IsString()) return require(text == std::string_view(value->GetString(), value->GetStringLength()));
  if (value->IsBool()) return require(text == (value->GetBool() ? "true" : "false"));
  const rapidjson::Document again = tree_of(text);
  require(!again.HasParseError() && again == *value);
}

void require_record(const JsonReader& reader, const Record& record) {
  require(record.fields.size() == reader.columns().size());
  const rapidjson::Document tree = tree_of(record.raw);
  if (tree.HasParseError()) {
    // No double holds a number of it.
    return require(tree.GetParseError() == rapidjson::kParseErrorNumberTooBig);
  }
  require(tree.IsObject());
  for (std::size_t i = 0; i < record.fields.size(); ++i) {
    require_same(record.fields[i], member(tree, reader.columns()[i]));
  }
}

// What a reader delivered, one line a record.
std::string digest(JsonReader& reader, std::size_t records) {
  std::string all;
  Record record;
  for (std::size_t i = 0; i < records; ++i) {
    const Read outcome = reader.next(record);
    if (outcome == Read::kEnd) break;
    if (outcome == Read::kRecord) require_record(reader, record);
    if (outcome == Read::kBad) require(record.error.sqlstate.size() == 5 && !record.error.message.empty());
    all += outcome == Read::kRecord ? "ok " : record.error.sqlstate + " ";
    all.append(record.raw);
    all += "\n" + std::to_string(record.line) + "\n";
  }
  return all;
}

void run(std::string_view text, const JsonOptions& options, std::size_t piece) {
  Limits limits;
  limits.record_bytes = 200;
  limits.json_depth = 8;
  limits.fields = 20;
  const auto open = [&](std::size_t bytes, Place from) {
    return JsonReader(std::make_unique<Bytes>(text, bytes), options, limits, from);
  };
  try {
    JsonReader whole = open(1u << 16, {});
    require(whole.types().size() == (options.columns.empty() ? whole.columns().size() : 0));
    const std::string all = digest(whole, SIZE_MAX);
    JsonReader pieces = open(piece, {});
    require(pieces.columns() == whole.columns());
    const std::string head = digest(pieces, piece);
    JsonReader rest = open(piece, pieces.place());
    require(head + digest(rest, SIZE_MAX) == all);
  } catch (const etl::Error& error) {
    require(error.sqlstate == "54011" && options.columns.empty());
  }
}

}  // namespace

// The first byte says how the file is read and how large the pieces are.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string_view text(reinterpret_cast<const char*>(data) + 1, size - 1);
  JsonOptions options;
  if ((data[0] & 1) != 0) options.format = JsonOptions::Format::kArray;
  if ((data[0] & 2) != 0) options.columns = {"a", "b"};
  if ((data[0] & 4) != 0) options.path = {"d", "i"};
  if ((data[0] & 8) != 0) options.tail = true;
  run(text, options, 1 + data[0] / 16);
  return 0;
}

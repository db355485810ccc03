#include "file/json_reader.hpp"

#include <algorithm>
#include <charconv>
#include <cstring>
#include <utility>

namespace etl::file {
namespace {

constexpr std::size_t kSampleMore = 1u << 20;

// Keeps what it reads, for the source that reads it a second time; ends behind `most` bytes.
class RecordingSource final : public ByteSource {
 public:
  RecordingSource(ByteSource& source, std::string& kept, std::size_t most)
      : source_(source), kept_(kept), most_(most) {}
  std::size_t read(char* buffer, std::size_t size) override {
    if (kept_.size() >= most_) return 0;
    const std::size_t got = source_.read(buffer, size);
    kept_.append(buffer, got);
    return got;
  }
  void skip_to(std::uint64_t) override {}  // it is read from its beginning

 private:
  ByteSource& source_;
  std::string& kept_;
  const std::size_t most_;
};

// What was kept, and then the rest of its source.
class ReplayedSource final : public ByteSource {
 public:
  ReplayedSource(std::string kept, std::unique_ptr<ByteSource> source)
      : kept_(std::move(kept)), source_(std::move(source)) {}
  std::size_t read(char* buffer, std::size_t size) override {
    if (at_ == kept_.size()) {
      kept_ = {};
      at_ = 0;
      return source_->read(buffer, size);
    }
    const std::size_t got = kept_.copy(buffer, size, at_);
    at_ += got;
    return got;
  }
  void skip_to(std::uint64_t byte) override {
    at_ = static_cast<std::size_t>(std::min<std::uint64_t>(byte, kept_.size()));
    if (byte > kept_.size()) source_->skip_to(byte);
  }

 private:
  std::string kept_;
  std::unique_ptr<ByteSource> source_;
  std::size_t at_ = 0;
};

// What was seen of a column.
struct Seen {
  bool integer = false;
  bool fraction = false;
  bool exponent = false;
  bool huge = false;  // no double holds it
  bool boolean = false;
  bool nested = false;
  bool string = false;

  void add(const JsonValue& value) {
    if (value.kind == JsonKind::kNumber) add_number({value.field.text, value.field.size});
    if (value.kind == JsonKind::kBoolean) boolean = true;
    if (value.kind == JsonKind::kNested) nested = true;
    if (value.kind == JsonKind::kString) string = true;
  }
  const char* type() const {
    const bool number = integer || fraction || exponent;
    if (string || number + boolean + nested != 1) return "text";
    if (boolean) return "boolean";
    if (nested) return "jsonb";
    if (exponent && !huge) return "double precision";
    return fraction || exponent ? "numeric" : "bigint";
  }

 private:
  void add_number(std::string_view text) {
    const char* const end = text.data() + text.size();
    std::int64_t whole;
    double real;
    if (text.find_first_of("eE") != text.npos) {
      exponent = true;
    } else if (text.find('.') != text.npos || std::from_chars(text.data(), end, whole).ec != std::errc{}) {
      fraction = true;
    } else {
      integer = true;
    }
    huge |= std::from_chars(text.data(), end, real).ec == std::errc::result_out_of_range;
  }
};

}  // namespace

JsonReader::JsonReader(std::unique_ptr<ByteSource> source, JsonOptions options, const Limits& limits, Place from)
    : options_(std::move(options)), limits_(limits) {
  if (options_.columns.empty()) source = learn(std::move(source));
  record_ = std::make_unique<JsonRecord>(options_.columns, false, limits_);
  frames_ = make_frames(std::move(source), from);
  if (options_.format == JsonOptions::Format::kArray) {
    // Read, not only framed: a syntax error before `from` has ended the file.
    Record skipped;
    while (frames_->place().line < from.line && next(skipped) != Read::kEnd) continue;
  }
}

std::unique_ptr<JsonFrames> JsonReader::make_frames(std::unique_ptr<ByteSource> source, Place from) const {
  if (options_.format == JsonOptions::Format::kArray) {
    return make_array_frames(std::move(source), limits_, options_.path);
  }
  return make_line_frames(std::move(source), limits_, from, options_.tail);
}

std::unique_ptr<ByteSource> JsonReader::learn(std::unique_ptr<ByteSource> source) {
  std::string kept;
  JsonRecord record({}, true, limits_);
  std::vector<Seen> seen;
  const auto frames =
      make_frames(std::make_unique<RecordingSource>(*source, kept, limits_.record_bytes + kSampleMore), {});
  Error ignored{"", ""};
  for (std::size_t i = 0; i < options_.sample && frames->place().byte <= limits_.record_bytes; ++i) {
    frames->next(frame_);
    if (frame_.kind == JsonFrame::Kind::kEnd) break;
    if (frame_.kind != JsonFrame::Kind::kText) continue;
    const auto outcome = record.read(frame_.text, ignored);
    if (outcome == JsonRecord::Outcome::kSyntax && options_.format == JsonOptions::Format::kArray) break;
    if (outcome != JsonRecord::Outcome::kObject) continue;
    seen.resize(record.columns().size());
    for (std::size_t column = 0; column < seen.size(); ++column) seen[column].add(record.values()[column]);
  }
  options_.columns = record.columns();
  seen.resize(options_.columns.size());
  for (const Seen& column : seen) types_.emplace_back(column.type());
  return std::make_unique<ReplayedSource>(std::move(kept), std::move(source));
}

Read JsonReader::next(Record& record) {
  record.fields.clear();
  if (over_) return Read::kEnd;
  frames_->next(frame_);
  record.raw = frame_.text;
  record.line = frames_->place().line;
  switch (frame_.kind) {
    case JsonFrame::Kind::kEnd:
      record.raw = {};
      return Read::kEnd;
    case JsonFrame::Kind::kBroken:
      record.error = frame_.error;
      return Read::kBad;
    case JsonFrame::Kind::kTooLong:
      record.error = Error("54000", "a record is too long",
                           "More than " + std::to_string(limits_.record_bytes) + " bytes were found.",
                           "Raise etl.max_record_size.");
      return Read::kBad;
    case JsonFrame::Kind::kText:
      break;
  }
  const auto outcome = record_->read(frame_.text, record.error);
  if (outcome != JsonRecord::Outcome::kObject) {
    over_ = outcome == JsonRecord::Outcome::kSyntax && options_.format == JsonOptions::Format::kArray;
    return Read::kBad;
  }
  record.fields.reserve(record_->values().size());
  for (const JsonValue& value : record_->values()) record.fields.push_back(value.field);
  return Read::kRecord;
}

}  // namespace etl::file

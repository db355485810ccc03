#include "file/csv_writer.hpp"

#include <array>

#include "core/error.hpp"
#include "core/printable.hpp"

namespace etl::file {
namespace {

constexpr std::string_view kByteOrderMark = "\xef\xbb\xbf";

[[noreturn]] void refuse_option(const char* name, const char* detail) {
  throw Error("22023", std::string("option \"") + name + "\" of CSV is not valid", detail,
              "Options of CSV are those of COPY … WITH (FORMAT csv).");
}

void check_byte(const char* name, char byte) {
  if (byte <= '\0' || byte == '\n' || byte == '\r') {
    refuse_option(name, "It must be one character of ASCII, and no line end.");
  }
}

void check(const CsvWriterOptions& options) {
  check_byte("delimiter", options.delimiter);
  check_byte("quote", options.quote);
  if (options.delimiter == options.quote) refuse_option("quote", "It is also the delimiter.");
  for (const char byte : options.null) {
    if (byte == '\0' || byte == '\n' || byte == '\r' || byte == options.delimiter || byte == options.quote) {
      refuse_option("null", "It contains the delimiter, the quote, a line end or a NUL byte.");
    }
  }
}

class CsvWriter final : public Writer {
 public:
  CsvWriter(ByteSink sink, std::vector<WriterColumn> columns, CsvWriterOptions options)
      : Writer(std::vector<Want>(columns.size(), Want::kText)),
        sink_(std::move(sink)),
        columns_(std::move(columns)),
        options_(std::move(options)),
        started_(!options_.header) {
    check(options_);
    for (const char byte : {options_.delimiter, options_.quote, '\n', '\r'}) {
      special_[static_cast<unsigned char>(byte)] = true;
    }
  }

  void row(std::span<const Value> values) override {
    if (values.size() == 1 && values[0].null && options_.null.empty()) refuse_null();
    start();
    for (std::size_t i = 0; i < values.size(); ++i) {
      if (i > 0) buffer_ += options_.delimiter;
      if (values[i].null) {
        buffer_ += options_.null;
      } else {
        append(values[i].text, i == 0);
      }
    }
    end_line();
  }

  void finish() override {
    start();
    flush();
  }

 private:
  void start() {
    if (started_) return;
    started_ = true;
    for (std::size_t i = 0; i < columns_.size(); ++i) {
      if (i > 0) buffer_ += options_.delimiter;
      append(columns_[i].name, i == 0);
    }
    end_line();
  }

  void flush() {
    if (buffer_.empty()) return;
    sink_(buffer_);
    buffer_.clear();
  }

  void end_line() {
    buffer_ += '\n';
    if (buffer_.size() >= kBuffer) flush();
  }

  bool must_quote(std::string_view value, bool first) const {
    if (value == options_.null) return true;
    if (first && value.starts_with(kByteOrderMark)) return true;
    if (columns_.size() == 1 && (value.empty() || value == "\\.")) return true;
    for (const char byte : value) {
      if (special_[static_cast<unsigned char>(byte)]) return true;
    }
    return false;
  }

  void append(std::string_view value, bool first) {
    if (!must_quote(value, first)) {
      buffer_ += value;
      return;
    }
    buffer_ += options_.quote;
    for (std::size_t from = 0;;) {
      const std::size_t quote = value.find(options_.quote, from);
      buffer_ += value.substr(from, quote == value.npos ? value.npos : quote + 1 - from);
      if (quote == value.npos) break;
      buffer_ += options_.quote;
      from = quote + 1;
    }
    buffer_ += options_.quote;
  }

  [[noreturn]] void refuse_null() const {
    Error error("22004", "NULL cannot be written in the only column of a CSV file",
                "Column \"" + printable(columns_[0].name, 200) + "\" would be a blank line, which is no record.",
                "Give option null a text, such as \\N.");
    error.column = columns_[0].name;
    throw error;
  }

  const ByteSink sink_;
  const std::vector<WriterColumn> columns_;
  const CsvWriterOptions options_;
  std::array<bool, 256> special_{};  // bytes that only stand within quotes
  bool started_;                     // the header is written, or there is none
  std::string buffer_;
};

}  // namespace

std::unique_ptr<Writer> make_csv_writer(ByteSink sink, std::vector<WriterColumn> columns, CsvWriterOptions options) {
  return std::make_unique<CsvWriter>(std::move(sink), std::move(columns), std::move(options));
}

}  // namespace etl::file

#include "sink/file_sink.hpp"

#include <utility>

#include "file/csv_writer.hpp"
#include "file/json_writer.hpp"
#include "file/parquet_writer.hpp"
#include "file/xlsx_writer.hpp"
#include "model/operator.hpp"

namespace etl::sink {

namespace {

using file::WriterColumn;

// By the type that a column's type is made from.
WriterColumn::Kind kind_of(unsigned type) {
  switch (type) {
    case 16:
      return WriterColumn::Kind::kBool;
    case 21:
      return WriterColumn::Kind::kInt16;
    case 23:
      return WriterColumn::Kind::kInt32;
    case 20:
      return WriterColumn::Kind::kInt64;
    case 700:
      return WriterColumn::Kind::kFloat;
    case 701:
      return WriterColumn::Kind::kDouble;
    case 1700:
      return WriterColumn::Kind::kNumeric;
    case 114:
    case 3802:
      return WriterColumn::Kind::kJson;
    case 17:
      return WriterColumn::Kind::kBytes;
    case 1082:
      return WriterColumn::Kind::kDate;
    case 1083:
      return WriterColumn::Kind::kTime;
    case 1114:
      return WriterColumn::Kind::kTimestamp;
    case 1184:
      return WriterColumn::Kind::kTimestampTz;
    default:
      return WriterColumn::Kind::kText;
  }
}

WriterColumn column_of(const pg::Column& column) {
  WriterColumn out;
  out.name = column.name;
  out.kind = kind_of(pg::base_type(column.type));
  if (out.kind == WriterColumn::Kind::kNumeric && column.typmod >= 4) {  // as numeric's modifier is made
    out.precision = ((column.typmod - 4) >> 16) & 0xffff;
    out.scale = (((column.typmod - 4) & 0x7ff) ^ 1024) - 1024;
  }
  return out;
}

using Make = std::unique_ptr<file::Writer> (*)(const json::Value& params, file::OutputFile& file,
                                               const std::vector<WriterColumn>& columns);

file::ByteSink bytes_to(file::OutputFile& file) {
  return [&file](std::string_view bytes) { file.write(bytes); };
}

std::unique_ptr<file::Writer> make_csv(const json::Value& params, file::OutputFile& file,
                                       const std::vector<WriterColumn>& columns) {
  file::CsvWriterOptions options;
  options.header = json::flag_member(params, "header", true);
  options.delimiter = json::byte_member(params, "delimiter", ',');
  options.quote = json::byte_member(params, "quote", '"');
  options.null = json::text_member(params, "null").value_or("");
  return file::make_csv_writer(bytes_to(file), columns, options);
}

std::unique_ptr<file::Writer> make_json(const json::Value& params, file::OutputFile& file,
                                        const std::vector<WriterColumn>& columns) {
  const bool array = json::text_member(params, "layout") == "array";
  return file::make_json_writer(bytes_to(file), columns, array ? file::JsonShape::kArray : file::JsonShape::kLines);
}

std::unique_ptr<file::Writer> make_xlsx(const json::Value& params, file::OutputFile& file,
                                        const std::vector<WriterColumn>& columns) {
  file::XlsxWriterOptions options;
  options.header = json::flag_member(params, "header", true);
  options.sheet = json::text_member(params, "sheet").value_or(options.sheet);
  return file::make_xlsx_writer(file, columns, options);
}

std::unique_ptr<file::Writer> make_parquet(const json::Value& params, file::OutputFile& file,
                                           const std::vector<WriterColumn>& columns) {
  using Compression = file::ParquetOptions::Compression;
  file::ParquetOptions options;
  const std::string name = json::text_member(params, "compression").value_or("snappy");
  options.compression = name == "zstd"   ? Compression::kZstd
                        : name == "none" ? Compression::kNone
                                         : Compression::kSnappy;
  return file::make_parquet_writer(bytes_to(file), columns, options);
}

struct Format {
  std::string_view name;
  Make make;
  std::vector<std::string_view> params;  // of this format only
};

// In the order of FileKind.
const Format kFormats[] = {{"csv", make_csv, {"header", "delimiter", "quote", "null"}},
                           {"json", make_json, {"layout"}},
                           {"xlsx", make_xlsx, {"header", "sheet"}},
                           {"parquet", make_parquet, {"compression"}}};

const Format& format_of(FileKind kind) {
  return kFormats[static_cast<std::size_t>(kind)];
}

}  // namespace

FileTarget read_file_target(const json::Value& params) {
  FileTarget target;
  target.path = json::text(params["path"]);
  target.params = json::write(params);
  const std::string_view name = json::text(params["format"]);
  while (format_of(target.kind).name != name) target.kind = static_cast<FileKind>(static_cast<int>(target.kind) + 1);
  for (const auto& member : params.GetObject()) {
    const std::string_view param = json::text(member.name);
    if (param == "path" || param == "format") continue;
    bool known = false;
    for (const std::string_view own : format_of(target.kind).params) known = known || own == param;
    if (known) continue;
    throw Error("22023", "param \"" + std::string(param) + "\" is not for format \"" + std::string(name) + "\"", {},
                "Leave it out.");
  }
  return target;
}

FileSink::FileSink(FileTarget target, std::string directories, bool quarantine)
    : target_(std::move(target)), directories_(std::move(directories)), quarantine_(quarantine) {}

FileSink::~FileSink() {
  discard();
}

void FileSink::discard() {
  if (file_) file_->discard();
  file_.reset();
}

void FileSink::open(pg::Relation& page) {
  columns_.clear();
  for (const pg::Column& column : page.columns()) columns_.push_back(column_of(column));
}

Written FileSink::write(pg::Relation& page) {
  discard();  // of a batch that was rolled back
  left_out_.clear();
  file_ = std::make_unique<file::OutputFile>(file::create_file(directories_, target_.path));
  const json::Document params = json::parse(target_.params, "params");
  const auto writer = format_of(target_.kind).make(params, *file_, columns_);
  pg::RowValues rows(page.columns(), writer->wants());
  rows.start(page);
  std::uint64_t index = 0;
  for (auto values = rows.next(); !values.empty(); values = rows.next(), ++index) {
    try {
      writer->row(values);
    } catch (Error& error) {
      if (!quarantine_ || classify(error.sqlstate) != ErrorClass::kData) throw;
      left_out_.push_back({index, error});
    }
  }
  writer->finish();
  file_->sync();
  rows_ = index - left_out_.size();
  bytes_ = file_->size();
  Written written;
  written.inserted = rows_;
  return written;
}

void FileSink::publish() {
  file_->publish();
}

std::string FileSink::figures() const {
  return json::Object()
      .add("path", target_.path)
      .add("status", "written")
      .add_number("rows", static_cast<std::int64_t>(rows_))
      .add_number("bytes", static_cast<std::int64_t>(bytes_))
      .str();
}

extern const model::Operator kFile = {
    "file",
    model::Kind::kSink,
    "Writes all rows of a run into a file beneath the first directory of etl.data_directory, in the format csv, json, "
    "xlsx or parquet. It is written under a temporary name and renamed when it is whole; a file of that name is "
    "replaced.",
    R"({"type": "object", "properties": {
    "path": {"type": "string", "minLength": 1, "description": "a path beneath the first directory of etl.data_directory; its directory exists"},
    "format": {"type": "string", "enum": ["csv", "json", "xlsx", "parquet"]},
    "header": {"type": "boolean", "description": "of csv and xlsx: whether the first row names the columns; true when absent"},
    "delimiter": {"type": "string", "pattern": "^[ -~\t]$", "description": "of csv: one character of ASCII; , when absent"},
    "quote": {"type": "string", "pattern": "^[!-~]$", "description": "of csv: one character of ASCII; \" when absent"},
    "null": {"type": "string", "description": "of csv: the text that is NULL; empty when absent"},
    "layout": {"type": "string", "enum": ["ndjson", "array"], "description": "of json: an object a line, or one array; ndjson when absent"},
    "sheet": {"type": "string", "minLength": 1, "description": "of xlsx: the sheet's name; Sheet1 when absent"},
    "compression": {"type": "string", "enum": ["snappy", "zstd", "none"], "description": "of parquet; snappy when absent"}},
  "required": ["path", "format"]})",
    {},
    "Is for mode full only: the file is what one run delivers."};

}  // namespace etl::sink

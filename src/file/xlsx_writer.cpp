#include "file/xlsx_writer.hpp"

#include <xlsxwriter.h>
#include <zip.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>

#include "core/error.hpp"
#include "core/printable.hpp"
#include "file/xlsx_cell.hpp"

namespace etl::file {
namespace {

constexpr std::size_t kRows = 1048576;
constexpr std::size_t kColumns = 16384;
constexpr std::size_t kNameUnits = 31;         // of a sheet
constexpr off_t kLargeSheet = off_t{1} << 31;  // bytes; zip64 above, which older readers do not know
constexpr char kNotKept[] = "Not all rows could be kept.";
constexpr std::string_view kNameBytes = "[]:*?/\\";  // that it cannot have

struct FreeBook {
  void operator()(lxw_workbook* book) const noexcept { lxw_workbook_free(book); }
};
struct CloseArchive {
  void operator()(zip* archive) const noexcept { zip_discard(archive); }
};
struct ClosePart {
  void operator()(zip_file* part) const noexcept { zip_fclose(part); }
};

[[noreturn]] void fail_to_write(int code, const std::string& detail) {
  const bool full = code == ENOSPC || code == EDQUOT;
  throw Error(full ? "53100" : "58030", "could not write the workbook", detail,
              "Free space in the directory of the file, which also holds the rows until they are packed.");
}

void check(lxw_error error) {
  if (error == LXW_NO_ERROR) return;
  if (error == LXW_ERROR_MEMORY_MALLOC_FAILED) throw Error("53200", "out of memory");
  fail_to_write(errno, "The library says: " + std::string(lxw_strerror(error)));
}

void check_sheet_name(const std::string& name) {
  const auto is_control = [](char c) { return (c >= 0 && c < ' ') || c == '\x7f'; };
  if (!name.empty() && utf16_length(name) <= kNameUnits && name.find_first_of(kNameBytes) == name.npos &&
      name.front() != '\'' && name.back() != '\'' && std::none_of(name.begin(), name.end(), is_control)) {
    return;
  }
  throw Error("22023", "invalid name of a sheet: \"" + printable(name, 100) + "\"",
              "It has 1 to 31 characters, no control character, none of [ ] : * ? / \\ and no apostrophe at its ends.");
}

std::vector<Want> wants_of(const std::vector<WriterColumn>& columns) {
  std::vector<Want> wants;
  for (const WriterColumn& column : columns) {
    const Want want = natural_want(column.kind);
    wants.push_back(want == Want::kBytes ? Want::kText : want);
  }
  return wants;
}

class XlsxWriter final : public Writer {
 public:
  XlsxWriter(OutputFile& file, std::vector<WriterColumn> columns, const XlsxWriterOptions& options)
      : Writer(wants_of(columns)), file_(file), columns_(std::move(columns)), cells_(columns_.size()) {
    check_sheet_name(options.sheet);
    if (columns_.size() > kColumns) {
      throw Error("54011", "too many columns for a sheet",
                  "There are " + std::to_string(columns_.size()) + ", and a sheet has 16384.");
    }
    open(options.sheet);
    if (options.header) write_header();
  }

  void row(std::span<const Value> values) override {
    if (next_ == kRows) {
      throw Error("54000", "too many rows for a sheet", "A sheet has 1048576 rows, the header's among them.",
                  "Write csv or parquet, or several files.");
    }
    for (std::size_t i = 0; i < cells_.size(); ++i) {
      cells_[i].kind = XlsxCell::Kind::kBlank;
      if (!values[i].null) make_cell(columns_[i], values[i], next_ + 1, cells_[i]);
    }
    write_cells();
  }

  void finish() override {
    FILE* const rows = sheet_->optimize_tmpfile;  // nobody else asks whether all of it was written
    errno = 0;
    if (std::fflush(rows) != 0 || std::ferror(rows) != 0) fail_to_write(errno, kNotKept);
    const off_t size = ::ftello(rows);
    if (size > kLargeSheet) book_->options.use_zip64 = LXW_TRUE;
    errno = 0;
    check(workbook_close(book_.release()));
    file_.measure();
    verify(static_cast<std::uint64_t>(size));
  }

 private:
  void open(const std::string& name) {
    path_ = file_.path_of_file();
    directory_ = file_.path_of_directory();
    lxw_workbook_options options{};
    options.constant_memory = LXW_TRUE;
    options.tmpdir = directory_.data();
    errno = 0;
    book_.reset(workbook_new_opt(path_.c_str(), &options));
    sheet_ = book_ ? workbook_add_worksheet(book_.get(), name.c_str()) : nullptr;
    if (sheet_ == nullptr || sheet_->optimize_tmpfile == nullptr) {
      fail_to_write(errno, "No temporary file could be made.");
    }
    date_ = make_format("yyyy-mm-dd");
    timestamp_ = make_format("yyyy-mm-dd hh:mm:ss");
    time_ = make_format("hh:mm:ss");
  }

  lxw_format* make_format(const char* code) {
    lxw_format* const format = workbook_add_format(book_.get());
    if (format == nullptr) throw Error("53200", "out of memory");
    format_set_num_format(format, code);
    return format;
  }

  void write_header() {
    for (std::size_t i = 0; i < columns_.size(); ++i) {
      cells_[i].kind = XlsxCell::Kind::kBlank;
      make_cell({.name = columns_[i].name}, {.text = columns_[i].name}, 1, cells_[i]);
    }
    write_cells();
  }

  void write_cells() {
    for (std::size_t i = 0; i < cells_.size(); ++i) check(write(cells_[i], static_cast<lxw_col_t>(i)));
    ++next_;
    if (std::ferror(sheet_->optimize_tmpfile) != 0) fail_to_write(errno, kNotKept);
  }

  lxw_error write(const XlsxCell& cell, lxw_col_t column) {
    const auto row = static_cast<lxw_row_t>(next_);
    switch (cell.kind) {
      case XlsxCell::Kind::kBlank:
        return LXW_NO_ERROR;
      case XlsxCell::Kind::kBoolean:
        return worksheet_write_boolean(sheet_, row, column, cell.number != 0, nullptr);
      case XlsxCell::Kind::kNumber:
        return worksheet_write_number(sheet_, row, column, cell.number, nullptr);
      case XlsxCell::Kind::kDate:
        return worksheet_write_number(sheet_, row, column, cell.number, date_);
      case XlsxCell::Kind::kTimestamp:
        return worksheet_write_number(sheet_, row, column, cell.number, timestamp_);
      case XlsxCell::Kind::kTime:
        return worksheet_write_number(sheet_, row, column, cell.number, time_);
      case XlsxCell::Kind::kText:
        break;
    }
    return worksheet_write_string(sheet_, row, column, cell.text.c_str(), nullptr);
  }

  // Every part is XML, so that its last byte is `>`, and the sheet's holds what was collected of its rows.
  void verify(std::uint64_t rows_size) const {
    int code = 0;
    const std::unique_ptr<zip, CloseArchive> archive(zip_open(path_.c_str(), ZIP_RDONLY, &code));
    const zip_int64_t parts = archive ? zip_get_num_entries(archive.get(), 0) : 0;
    std::uint64_t largest = 0;
    for (zip_int64_t i = 0; i < parts; ++i) {
      largest = std::max(largest, verify_part(archive.get(), static_cast<zip_uint64_t>(i)));
    }
    if (parts == 0 || largest <= rows_size) fail_to_write(ENOSPC, "What was written is not whole.");
  }

  static std::uint64_t verify_part(zip* archive, zip_uint64_t index) {
    const std::unique_ptr<zip_file, ClosePart> part(zip_fopen_index(archive, index, 0));
    std::vector<char> buffer(kBuffer);
    std::uint64_t size = 0;
    char last = '\0';
    zip_int64_t got = -1;
    while (part && (got = zip_fread(part.get(), buffer.data(), buffer.size())) > 0) {
      size += static_cast<std::uint64_t>(got);
      last = buffer[static_cast<std::size_t>(got) - 1];
      if (last == '\n' && got > 1) last = buffer[static_cast<std::size_t>(got) - 2];
    }
    if (got < 0 || last != '>') fail_to_write(ENOSPC, "What was written is not whole.");
    return size;
  }

  OutputFile& file_;
  const std::vector<WriterColumn> columns_;
  std::string path_;
  std::string directory_;
  std::unique_ptr<lxw_workbook, FreeBook> book_;
  lxw_worksheet* sheet_ = nullptr;
  lxw_format* date_ = nullptr;
  lxw_format* timestamp_ = nullptr;
  lxw_format* time_ = nullptr;
  std::vector<XlsxCell> cells_;
  std::size_t next_ = 0;  // row of the sheet
};

}  // namespace

std::unique_ptr<Writer> make_xlsx_writer(OutputFile& file, std::vector<WriterColumn> columns,
                                         const XlsxWriterOptions& options) {
  return std::make_unique<XlsxWriter>(file, std::move(columns), options);
}

}  // namespace etl::file

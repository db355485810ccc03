// CSV (RFC 4180) as COPY writes it, with LF line ends.
//
// A value is quoted where a reader would take it for something else: it contains the delimiter, the quote, CR or LF, is
// equal to the null text, is \. in the only column (COPY's end of data before PostgreSQL 18), or is where a blank line
// or a byte order mark would be seen. CsvReader with the same options gives the identical fields.
//
// Values are written as they are: one that begins with = + - or @ is a formula to a spreadsheet that opens the file.
// Who exports what strangers have typed for spreadsheets takes xlsx, where a text is a text.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "file/writer.hpp"

namespace etl::file {

struct CsvWriterOptions {
  bool header = true;  // also of a file without rows
  char delimiter = ',';
  char quote = '"';
  std::string null;
};

// Errors: 22023 of the options. A row: 22004 for NULL in the only column with null text "", since it would be a blank
// line, which is no record.
std::unique_ptr<Writer> make_csv_writer(ByteSink sink, std::vector<WriterColumn> columns,
                                        CsvWriterOptions options = {});

}  // namespace etl::file

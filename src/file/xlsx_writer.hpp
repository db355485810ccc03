// A workbook of Excel (.xlsx) with one sheet, a row of the sheet for each row.
//
// Cells are numbers, booleans, dates or texts. A sheet's numbers are doubles that are shown with 15 digits:
// - smallint, integer, bigint and numeric are numbers when they have no more than 15 significant digits, else texts;
// - real and double precision are numbers, the latter rounded to 16 digits; NaN and infinities are texts;
// - date, time and timestamp are numbers with a date's format, in milliseconds: what is finer is cut off. A timestamp
//   with time zone is in UTC, since a sheet knows no zone;
// - all else is text, json and bytea too: never a formula, whatever it begins with.
// NULL is an empty cell, and so is a text of no characters. XlsxReader gives the same values, of a numeric without the
// zeros at its end.
//
// libxlsxwriter collects the rows in a temporary file without a name in the output's directory and packs them at
// finish(), which takes about as long again as all rows did and cannot be interrupted. It does not notice when the disk
// is full: finish() reads the packed file once more, and its checksums and lengths tell.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "file/output_file.hpp"
#include "file/writer.hpp"

namespace etl::file {

struct XlsxWriterOptions {
  std::string sheet = "Sheet1";
  bool header = true;  // the first row has the columns' names
};

// The file is the writer's until finish(), and empty; it outlives the writer.
//
// Errors: 22023 of the sheet's name; 54011 more than 16,384 columns; 22001 the name of a column, or a value, has more
// than 32,767 characters; 22008 a date before 1900 or behind 9999, an infinite one, the time 24:00; 54000 more than
// 1,048,576 rows; 53100, 53200, 58030.
std::unique_ptr<Writer> make_xlsx_writer(OutputFile& file, std::vector<WriterColumn> columns,
                                         const XlsxWriterOptions& options = {});

}  // namespace etl::file

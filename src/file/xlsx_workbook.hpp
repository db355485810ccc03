// What a sheet's cells refer to: the workbook's sheets and date system, its styles, its shared strings.
//
// ECMA-376 part 1 (SpreadsheetML) and part 2 (packages). Elements are told by their local names, so that the
// transitional and the strict namespaces read alike.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "file/record.hpp"
#include "file/xlsx_archive.hpp"
#include "file/xlsx_date.hpp"

namespace etl::file {

// Strings in blocks of memory, each with a NUL behind it, by number.
class SharedStrings {
 public:
  // Error 54000 when text and index pass `most` bytes.
  explicit SharedStrings(std::size_t most) : most_(most) {}

  void add(std::string_view text);
  std::size_t size() const { return strings_.size(); }
  Field operator[](std::size_t number) const { return strings_[number]; }

 private:
  char* allocate(std::size_t size);

  std::size_t most_;
  std::size_t used_ = 0;
  std::vector<std::unique_ptr<char[]>> blocks_;
  std::size_t left_ = 0;  // in the last block
  char* free_ = nullptr;
  std::vector<Field> strings_;
};

struct Workbook {
  struct Sheet {
    std::string name;
    std::string part;  // "" of a sheet without cells: a chart
  };

  // Error 22P04 when a part that must be there is missing or makes no sense; 0A000 for a binary workbook (.xlsb); 54000
  // over a limit; those of xlsx_archive.hpp and xlsx_xml.hpp.
  Workbook(Archive& archive, const Limits& limits);

  // By name, or by number from 1 as the tabs stand; "" is the first with cells. Error 22023 names those there are.
  const Sheet& sheet(const std::string& wanted) const;
  NumberFormat format(std::size_t style) const { return style < styles.size() ? styles[style] : NumberFormat::kNumber; }

  DateSystem dates = DateSystem::k1900;
  std::vector<Sheet> sheets;
  std::vector<NumberFormat> styles;  // of a cell's s
  SharedStrings strings;
};

// Replaces the escapes _xHHHH_ (ST_Xstring: UTF-16 units that XML cannot hold) behind `from`. What would be no text,
// _x0000_ and half a surrogate pair, stays as it is written.
void unescape(std::string& text, std::size_t from);

}  // namespace etl::file

// What a table sink does with the rows of a run.
#pragma once

#include <string>

#include "core/json.hpp"

namespace etl::model {

enum class WriteMode {
  kUpsert,        // insert, or update what differs
  kAppend,        // insert
  kReplace,       // upsert, and delete all other rows, in one transaction
  kReplaceRange,  // upsert, and delete the other rows of a range of a column, in one transaction
  kSoftDelete,    // upsert, and mark all other rows as deleted, in one transaction
  kScd2,          // keep a row for each version (slowly changing dimension, type 2)
};

struct Write {
  WriteMode mode = WriteMode::kUpsert;
  // Of kReplaceRange. Without bounds the range is from the smallest to the largest value that the run delivers.
  std::string range_column;
  std::string range_from;  // SQL expressions: from `from` on …
  std::string range_to;    // … and below `to`
};

// Members write_mode and range of params or options. Error 22023: an unknown mode, a range that does not belong to it.
Write read_write(const json::Value& object);
std::string_view name_of(WriteMode mode);

// All rows of a run are needed at once, since what is missing among them is deleted.
inline bool sweeps(WriteMode mode) {
  return mode == WriteMode::kReplace || mode == WriteMode::kReplaceRange || mode == WriteMode::kSoftDelete;
}

}  // namespace etl::model

#include "file/arrow/status.hpp"

#include "core/error.hpp"
#include "core/printable.hpp"

namespace etl::file {
namespace {

const char* sqlstate_of(const arrow::Status& status) {
  if (status.IsOutOfMemory()) return "53200";
  if (status.IsNotImplemented()) return "0A000";
  if (status.IsCapacityError()) return "54000";
  return "58030";
}

}  // namespace

void check(const arrow::Status& status) {
  if (status.ok()) return;
  throw Error(sqlstate_of(status), "could not write Parquet",
              "Apache Arrow says: " + printable(status.ToString(), 500) + ".");
}

}  // namespace etl::file

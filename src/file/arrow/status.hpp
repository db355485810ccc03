// Arrow's errors as ours.
#pragma once

#include <arrow/result.h>
#include <arrow/status.h>

#include <utility>

namespace etl::file {

// 53200 out of memory, 0A000 what this build of Arrow cannot do, 54000 what is too long, else 58030.
void check(const arrow::Status& status);

template <typename T>
T value_of(arrow::Result<T>&& result) {
  check(result.status());
  return std::move(result).ValueUnsafe();
}

}  // namespace etl::file

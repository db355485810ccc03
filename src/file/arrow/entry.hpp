// The one symbol between pg_etl.so and pg_etl_parquet.so, which are always built together.
#pragma once

#include <vector>

#include "file/parquet_writer.hpp"
#include "file/writer.hpp"

namespace etl::file {

inline constexpr char kParquetEntry[] = "etl_make_parquet_writer";
// The caller deletes what it returns; throws etl::Error.
using ParquetEntry = Writer*(ByteSink&& sink, std::vector<WriterColumn>&& columns, const ParquetOptions& options);

}  // namespace etl::file

// Apache Parquet, written by Apache Arrow.
//
// boolean, smallint, integer, bigint, real, double precision, bytea and date are the types of Parquet with those names;
// numeric(p, s) of up to 38 digits is DECIMAL, any other numeric STRING; timestamps are TIMESTAMP(MICROS), with time
// zone adjusted to UTC; time is TIME(MICROS); json, jsonb and all else are STRING. Every column may be NULL.
//
// Memory is one row group, of so many rows or bytes as the options say, unpacked and packed.
//
// Arrow is not linked to pg_etl: it would take 15 ms and a thread in every process that loads the library, the
// postmaster among them. The part that knows Arrow (src/file/arrow/) is a library of its own, pg_etl_parquet.so, which
// is loaded beside pg_etl.so by the first writer of a process, stays there, and starts no thread. It exists where
// pg_etl is built with ARROW (Makefile).
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "file/writer.hpp"

namespace etl::file {

struct ParquetOptions {
  enum class Compression : unsigned char { kSnappy, kZstd, kNone };
  Compression compression = Compression::kSnappy;
  std::int64_t group_rows = 64 << 10;
  std::size_t group_bytes = 64u << 20;  // of values; the row that reaches it is the group's last
};

// Errors: 0A000 pg_etl was built without Arrow, or Arrow without the compression; 58P01 its library cannot be loaded. A
// row: 22003 a numeric that DECIMAL does not hold, NaN among them; 22008 an infinite date or timestamp, a timestamp in
// or behind the year 294247, the time 24:00. 53200; 58030 for what else Arrow refuses.
std::unique_ptr<Writer> make_parquet_writer(ByteSink sink, std::vector<WriterColumn> columns,
                                            const ParquetOptions& options = {});

}  // namespace etl::file

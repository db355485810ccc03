// The writer of Parquet as a process without Arrow sees it: its library is loaded on demand, and starts no thread.
#include "file/parquet_writer.hpp"

#include <gtest/gtest.h>
#include <signal.h>

#include <array>
#include <cstdlib>
#include <filesystem>
#include <limits>

#include "unit/error_of.hpp"

namespace etl::file {
namespace {

using Kind = WriterColumn::Kind;

#ifndef ETL_ARROW

TEST(ParquetWriter, IsNotBuilt) {
  const Error error = error_of([] { make_parquet_writer([](std::string_view) {}, {{.name = "v"}}); });
  EXPECT_EQ(error.sqlstate, "0A000");
  EXPECT_NE(error.hint, "");
}

#else

std::ptrdiff_t threads() {
  const std::filesystem::directory_iterator tasks("/proc/self/task");
  return std::distance(begin(tasks), end(tasks));
}

std::string text_of(std::size_t size) {
  return std::string(size, 'x');
}

TEST(ParquetWriter, StartsNoThread) {
  ASSERT_EQ(threads(), 1);
  sigset_t before, after;
  sigemptyset(&before);
  pthread_sigmask(SIG_SETMASK, nullptr, &before);
  std::string bytes;
  const auto writer = make_parquet_writer([&](std::string_view piece) { bytes += piece; },
                                          {{.name = "id", .kind = Kind::kInt64}, {.name = "text"}},
                                          {.compression = ParquetOptions::Compression::kZstd, .group_rows = 1000});
  EXPECT_EQ(threads(), 1);
  EXPECT_EQ(std::getenv("JE_ARROW_MALLOC_CONF"), nullptr);
  for (std::int64_t i = 0; i < 10000; ++i) {
    const std::string text = std::to_string(i);
    writer->row(std::array<Value, 2>{Value{.integer = i}, Value{.text = text}});
  }
  writer->finish();
  EXPECT_EQ(threads(), 1);
  pthread_sigmask(SIG_SETMASK, nullptr, &after);
  for (int signal = 1; signal < 32; ++signal) EXPECT_EQ(sigismember(&before, signal), sigismember(&after, signal));
  EXPECT_TRUE(bytes.starts_with("PAR1"));
  EXPECT_TRUE(bytes.ends_with("PAR1"));
}

TEST(ParquetWriter, Wants) {
  const auto writer = make_parquet_writer([](std::string_view) {}, {{.name = "b", .kind = Kind::kBool},
                                                                    {.name = "n", .kind = Kind::kNumeric},
                                                                    {.name = "f", .kind = Kind::kFloat},
                                                                    {.name = "y", .kind = Kind::kBytes},
                                                                    {.name = "d", .kind = Kind::kDate},
                                                                    {.name = "j", .kind = Kind::kJson}});
  EXPECT_EQ(writer->wants(),
            (std::vector<Want>{Want::kInteger, Want::kText, Want::kDouble, Want::kBytes, Want::kInteger, Want::kText}));
}

TEST(ParquetWriter, RefusesWhatDoesNotFit) {
  const auto state = [](WriterColumn column, const Value& value) {
    column.name = "v";
    const auto writer = make_parquet_writer([](std::string_view) {}, {column});
    const Error error = error_of([&] { writer->row(std::array{value}); });
    EXPECT_TRUE(error.sqlstate.empty() || error.column == "v");
    return error.sqlstate;
  };
  const WriterColumn decimal = {.name = "", .kind = Kind::kNumeric, .precision = 5, .scale = 2};
  EXPECT_EQ(state(decimal, {.text = "999.99"}), "");
  EXPECT_EQ(state(decimal, {.text = "-999.9"}), "");
  for (const char* const wrong : {"1000.00", "NaN", "Infinity", "-Infinity", "1.234", "", "x"}) {
    EXPECT_EQ(state(decimal, {.text = wrong}), "22003") << wrong;
  }
  EXPECT_EQ(state({.name = "", .kind = Kind::kNumeric}, {.text = "NaN"}), "");
  for (const std::int64_t day : {INT32_MIN, INT32_MAX}) {
    EXPECT_EQ(state({.name = "", .kind = Kind::kDate}, {.integer = day}), "22008");
  }
  for (const Kind kind : {Kind::kTimestamp, Kind::kTimestampTz}) {
    EXPECT_EQ(state({.name = "", .kind = kind}, {.integer = INT64_MIN}), "22008");
    EXPECT_EQ(state({.name = "", .kind = kind}, {.integer = INT64_MAX}), "22008");
    EXPECT_EQ(state({.name = "", .kind = kind}, {.integer = 9223371331199999999}), "22008");  // PostgreSQL's last
  }
  EXPECT_EQ(state({.name = "", .kind = Kind::kTime}, {.integer = 86400000000}), "22008");
}

// What the sink throws comes back as it is, and the rest of the file is never given to it.
TEST(ParquetWriter, GivesTheSinksError) {
  struct Interrupt {};
  int calls = 0;
  bool refusing = false;
  {
    const auto writer = make_parquet_writer(
        [&](std::string_view) {
          ++calls;
          if (refusing) throw Interrupt();
        },
        {{.name = "v"}}, {.group_rows = 10});
    refusing = true;
    calls = 0;
    const std::string text = text_of(100);
    EXPECT_THROW(
        {
          for (int i = 0; i < 100; ++i) writer->row(std::array{Value{.text = text}});
        },
        Interrupt);
    EXPECT_EQ(calls, 1);
  }
  EXPECT_EQ(calls, 1);
  // Nor is anything written of a file that is given up.
  {
    refusing = false;
    const auto writer = make_parquet_writer([&](std::string_view) { ++calls; }, {{.name = "v"}});
    writer->row(std::array{Value{.text = "x"}});
    calls = 0;
  }
  EXPECT_EQ(calls, 0);
}

#endif

}  // namespace
}  // namespace etl::file

// Any bytes as the body of a reply that says it is gzip, whole and in pieces: what comes out never passes the cap or
// the ratio, does not depend on where the pieces were cut, and is what was packed when we packed it ourselves.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "http/gzip.hpp"

namespace {

using etl::http::Gunzip;

void require(bool holds) {
  if (!holds) abort();
}

struct Outcome {
  Gunzip::Result result = Gunzip::Result::kOk;
  bool finished = false;
  std::string out;
};

Outcome unpack(std::string_view packed, std::size_t piece, std::size_t cap) {
  Outcome outcome;
  Gunzip gunzip;
  for (std::size_t at = 0; at < packed.size() && outcome.result == Gunzip::Result::kOk; at += piece) {
    const std::size_t taken = std::min(packed.size(), at + piece);
    outcome.result = gunzip.add(packed.substr(at, piece), outcome.out, cap);
    require(outcome.out.size() <= cap);
    require(outcome.out.size() <= std::max(Gunzip::kRatioFloor, (taken + 1) * Gunzip::kRatio));
  }
  outcome.finished = gunzip.finished();
  return outcome;
}

void require_same(const Outcome& a, const Outcome& b) {
  // Which of two errors is met first depends on the pieces.
  require((a.result == Gunzip::Result::kOk) == (b.result == Gunzip::Result::kOk));
  if (a.result == Gunzip::Result::kOk) require(a.finished == b.finished && a.out == b.out);
}

}  // namespace

// The first byte says how large the pieces and the cap are.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::size_t piece = 1 + data[0] % 16;
  const std::size_t cap = std::size_t{1} << (data[0] / 16 + 8);  // 256 bytes to 8 MiB
  const std::string_view bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
  const Outcome whole = unpack(bytes, std::max<std::size_t>(bytes.size(), 1), cap);
  // A piece may meet the ratio before bytes that would have raised it: below the floor there is no ratio.
  if (whole.out.size() < Gunzip::kRatioFloor / 2) require_same(unpack(bytes, piece, cap), whole);

  const std::string packed = etl::http::gzip(bytes);
  const Outcome back = unpack(packed, piece, std::max<std::size_t>(bytes.size(), 1));
  require(back.result == Gunzip::Result::kOk && back.finished && back.out == bytes);
  if (!bytes.empty()) require(unpack(packed, piece, bytes.size() - 1).result == Gunzip::Result::kTooLarge);
  return 0;
}

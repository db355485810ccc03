#include "core/dead_letters.hpp"

#include <string>

#include "core/sqlstate.hpp"

namespace etl {

namespace {

constexpr std::size_t kMostMegabytes = 256;

}  // namespace

Error too_many_dead_letters(std::int64_t most, const Error& last) {
  return {sqlstate::kTooManyDeadLetters, "more than " + std::to_string(most) + " rows could not be written",
          "The last one failed with " + last.sqlstate + ": " + last.message,
          "Look at etl.dead_letters, mend the source or the target, or raise option \"max_dead_letters\"."};
}

void check_dead_bytes(std::size_t bytes) {
  if (bytes <= kMostMegabytes << 20) return;
  throw Error("54000", "the rows that are put aside take more than " + std::to_string(kMostMegabytes) + " MB", {},
              "Mend the source, or let an earlier step leave out wide columns.");
}

}  // namespace etl

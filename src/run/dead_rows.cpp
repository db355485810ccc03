#include "run/dead_rows.hpp"

#include <optional>
#include <vector>

#include "core/json.hpp"
#include "core/sqlstate.hpp"
#include "pg/transaction.hpp"

namespace etl::run {

namespace {

// What the attempt fails with; nothing: it succeeds. Other than data errors go on to the caller.
std::optional<Error> failure_of(const Attempt& run) {
  pg::Subtransaction attempt;
  try {
    run();
    attempt.release();
    return std::nullopt;
  } catch (const Error& error) {
    attempt.rollback();
    if (classify(error.sqlstate) != ErrorClass::kData) throw;
    return error;
  }
}

struct Search {
  pg::Relation& page;
  const Attempt& attempt;
  const DeadRow& dead;
};

// `rows` begin at `from` in the page. known_bad: they were seen to fail. Returns whether any of them is dead.
bool search(const Search& s, pg::Relation& rows, std::uint64_t from, bool known_bad) {
  const std::uint64_t count = rows.rows();
  if (!known_bad || count == 1) {
    rows.copy_range(s.page, 0, count);
    const std::optional<Error> failure = failure_of(s.attempt);
    if (!failure) return false;
    if (count == 1) {
      s.dead(rows, from, *failure);
      return true;
    }
  }
  pg::Relation half(rows.columns(), true);
  rows.copy_range(half, 0, count / 2);
  const bool first = search(s, half, from, false);
  rows.copy_range(half, count / 2, count);
  // The whole fails; if its first half does not, the second one does.
  const bool second = search(s, half, from + count / 2, !first);
  return first || second;
}

}  // namespace

void by_halves(pg::Relation& page, const Attempt& attempt, const DeadRow& dead) {
  pg::Relation all(page.columns(), true);
  page.copy_range(all, 0, page.rows());
  if (all.rows() > 0) (void)search({page, attempt, dead}, all, 0, true);
  all.copy_range(page, 0, all.rows());
}

bool leave_out(pg::Relation& input, bool row_by_row, const Attempt& attempt, const DeadRow& dead, const Attempt& rest) {
  std::vector<std::uint64_t> out;
  pg::Relation suspects(input.columns(), true);
  suspects.clear();
  by_halves(input, attempt, [&](pg::Relation& row, std::uint64_t index, const Error& error) {
    out.push_back(index);
    row_by_row ? dead(row, index, error) : row.append_to(suspects);
  });
  pg::Relation all(input.columns(), true);
  input.copy_range(all, 0, input.rows());
  if (!row_by_row && !out.empty()) {
    pg::Relation good(input.columns(), true);
    all.copy_without(good, out);
    good.copy_range(input, 0, good.rows());
    if (failure_of(attempt)) return false;
    std::vector<std::uint64_t> confirmed;
    const auto among_good = [&] {
      good.copy_range(input, 0, good.rows());
      suspects.append_to(input);
      attempt();
    };
    by_halves(suspects, among_good, [&](pg::Relation& row, std::uint64_t suspect, const Error& error) {
      confirmed.push_back(out[suspect]);
      dead(row, out[suspect], error);
    });
    out = std::move(confirmed);
  }
  if (out.empty()) return false;
  all.copy_without(input, out);
  rest();
  all.copy_range(input, 0, all.rows());
  return true;
}

sink::Written write_by_halves(pg::Relation& page, sink::PageSink& sink, const DeadRow& dead) {
  sink::Written written;
  const auto write = [&] {
    const sink::Written part = sink.write(page);
    pg::check_deferred_constraints();
    written.inserted += part.inserted;
    written.updated += part.updated;
    written.unchanged += part.unchanged;
    written.superseded += part.superseded;
  };
  by_halves(page, write, dead);
  return written;
}

std::string record_of(pg::Relation& rows, std::uint64_t index) {
  pg::Subtransaction attempt;
  try {
    const std::string record = rows.row_json(index);
    attempt.release();
    return record;
  } catch (const Error& error) {
    attempt.rollback();
    if (classify(error.sqlstate) != ErrorClass::kData) throw;
    return json::Object().add("_etl_unreadable", error.message).str();
  }
}

Error too_many_dead_letters(std::int64_t most, const Error& last) {
  return {sqlstate::kTooManyDeadLetters, "more than " + std::to_string(most) + " rows could not be written",
          "The last one failed with " + last.sqlstate + ": " + last.message,
          "Look at etl.dead_letters, mend the source or the target, or raise option \"max_dead_letters\"."};
}

}  // namespace etl::run

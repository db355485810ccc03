#include "run/dead_rows.hpp"

#include <map>
#include <optional>
#include <utility>
#include <vector>

#include "core/dead_letters.hpp"
#include "core/json.hpp"
#include "pg/transaction.hpp"

namespace etl::run {

std::optional<Error> failure_of(const Attempt& run) {
  pg::Subtransaction attempt;
  try {
    run();
    attempt.release();
    return std::nullopt;
  } catch (const Error& error) {
    attempt.rollback();
    if (classify(error.sqlstate) == ErrorClass::kCancel) throw;
    return error;
  }
}

namespace {

// Other than data errors go on to the caller.
std::optional<Error> data_failure_of(const Attempt& run) {
  std::optional<Error> failure = failure_of(run);
  if (failure && classify(failure->sqlstate) != ErrorClass::kData) throw *failure;
  return failure;
}

struct Search {
  pg::Relation& page;
  const Attempt& attempt;
  const DeadRow& dead;
  bool backwards = false;  // the second half of the rows before the first
};

// `rows` begin at `from` in the page. known_bad: they were seen to fail. Returns whether any of them is dead.
bool search(const Search& s, pg::Relation& rows, std::uint64_t from, bool known_bad) {
  const std::uint64_t count = rows.rows();
  if (count == 0) return false;
  if (!known_bad || count == 1) {
    rows.copy_range(s.page, 0, count);
    const std::optional<Error> failure = data_failure_of(s.attempt);
    if (!failure) return false;
    if (count == 1) {
      s.dead(rows, from, *failure);
      return true;
    }
  }
  const std::uint64_t middle = count / 2;
  pg::Relation half(rows.columns(), true);
  const auto part = [&](bool second, bool bad) {
    rows.copy_range(half, second ? middle : 0, second ? count : middle);
    return search(s, half, from + (second ? middle : 0), bad);
  };
  const bool one = part(s.backwards, false);
  // The whole fails; if one half does not, the other one does.
  const bool other = part(!s.backwards, !one);
  return one || other;
}

void halve(const Search& s, bool known_bad) {
  pg::Relation all(s.page.columns(), true);
  s.page.copy_range(all, 0, s.page.rows());
  (void)search(s, all, 0, known_bad);
  all.copy_range(s.page, 0, all.rows());
}

}  // namespace

void by_halves(pg::Relation& page, const Attempt& attempt, const DeadRow& dead) {
  halve({page, attempt, dead}, true);
}

namespace {

using Rows = std::vector<std::uint64_t>;          // numbers in a relation, ascending
using Failures = std::map<std::uint64_t, Error>;  // by the rows' numbers

constexpr std::size_t kMostWaiting = 50'000;
constexpr int kMostRounds = 100;

Rows numbers(const Failures& failures) {
  Rows rows;
  for (const auto& [number, error] : failures) rows.push_back(number);
  return rows;
}

// page: holds each of them meanwhile, and then all rows again.
void tell(pg::Relation& all, pg::Relation& page, const Failures& failures, const DeadRow& dead) {
  for (const auto& [number, error] : failures) {
    all.copy_range(page, number, number + 1);
    dead(page, number, error);
  }
  all.copy_range(page, 0, all.rows());
}

// As by_halves(), where a row may need others that come later: what passed stays, and those that failed so that `waits`
// says they may pass yet are tried again as long as any does, from the last to the first and back. Those that are left
// failed among all that passed; that is what their error says. Throws the error of a row when more than so many wait,
// or they need one another in an order that takes too many rounds.
void by_rounds(pg::Relation& page, const Attempt& attempt, bool known_bad,
               const std::function<bool(const Error&)>& waits, const DeadRow& dead) {
  pg::Relation all(page.columns(), true);
  page.copy_range(all, 0, page.rows());
  Failures failures;
  const DeadRow first_failure = [&](pg::Relation& row, std::uint64_t i, const Error& error) {
    if (!waits(error)) return dead(row, i, error);
    failures.emplace(i, error);
    if (failures.size() > kMostWaiting) throw error;
  };
  halve({page, attempt, first_failure}, known_bad);
  if (failures.size() == all.rows()) return tell(all, page, failures, dead);  // they were tried together
  for (int round = 2; !failures.empty(); ++round) {
    const Rows tried = numbers(failures);
    if (round > kMostRounds) throw failures.begin()->second;
    failures.clear();
    all.copy_only(page, tried);
    const DeadRow failure = [&](pg::Relation&, std::uint64_t i, const Error& error) {
      failures.emplace(tried[i], error);
    };
    halve({page, attempt, failure, round % 2 == 0}, false);
    if (failures.size() == tried.size()) break;
  }
  tell(all, page, failures, dead);
}

void want_few(std::size_t rows, std::int64_t most, const Error& last) {
  if (static_cast<std::int64_t>(rows) > most) throw too_many_dead_letters(most, last);
}

// Of the rows that `attempt` fails on alone, those that it fails on among all the others, too; none when the others
// fail without them.
void find_among_others(pg::Relation& input, const Attempt& attempt, const DeadRow& dead) {
  Rows suspects;
  by_halves(input, attempt, [&](pg::Relation&, std::uint64_t index, const Error& error) {
    suspects.push_back(index);
    if (suspects.size() > kMostWaiting) throw error;
  });
  pg::Relation tried(input.columns(), true);
  pg::Relation good(input.columns(), true);
  input.copy_only(tried, suspects);
  input.copy_without(good, suspects);
  good.copy_range(input, 0, good.rows());
  if (data_failure_of(attempt)) return;
  const Attempt among_good = [&] {
    good.copy_range(input, 0, good.rows());
    tried.append_to(input);
    attempt();
    input.copy_range(good, 0, input.rows());
  };
  by_rounds(
      tried, among_good, false, [](const Error&) { return true; },
      [&](pg::Relation& row, std::uint64_t i, const Error& error) { dead(row, suspects[i], error); });
}

}  // namespace

bool leave_out(pg::Relation& input, bool row_by_row, std::int64_t most, const Attempt& attempt, const DeadRow& dead,
               const Attempt& rest) {
  pg::Relation all(input.columns(), true);
  input.copy_range(all, 0, input.rows());
  Rows left_out;
  const DeadRow leave = [&](pg::Relation& row, std::uint64_t index, const Error& error) {
    left_out.push_back(index);
    want_few(left_out.size(), most, error);
    dead(row, index, error);
  };
  if (row_by_row) {
    by_halves(input, attempt, leave);
  } else {
    find_among_others(input, attempt, leave);
  }
  if (left_out.empty()) return false;
  all.copy_without(input, left_out);
  rest();
  all.copy_range(input, 0, all.rows());
  return true;
}

sink::Written write_by_halves(pg::Relation& page, sink::PageSink& sink, bool sole, const DeadRow& dead) {
  sink::Written written;
  if (sole) pg::check_deferred_constraints();  // what fails already is none of these rows' doing
  const bool ordered = sink.has_versions();
  bool late = false;  // what was written last fails in the checks behind it
  const Attempt write = [&] {
    late = false;
    const sink::Written part = sink.write(page);
    late = sole;
    if (sole) pg::check_deferred_constraints();
    written.inserted += part.inserted;
    written.updated += part.updated;
    written.unchanged += part.unchanged;
    written.superseded += part.superseded;
  };
  by_rounds(
      page, write, true, [&](const Error& error) { return !ordered && (late || error.sqlstate == "23503"); }, dead);
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

}  // namespace etl::run

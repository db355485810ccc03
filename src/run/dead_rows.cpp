#include "run/dead_rows.hpp"

#include <map>
#include <optional>
#include <utility>
#include <vector>

#include "core/dead_letters.hpp"
#include "core/json.hpp"
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

namespace {

using Rows = std::vector<std::uint64_t>;  // numbers in a relation

void want_few(std::size_t rows, std::int64_t most, const Error& last) {
  if (static_cast<std::int64_t>(rows) > most) throw too_many_dead_letters(most, last);
}

// Which of the suspects fail among all the others, too: one that does not is a good one from then on, which another may
// need. Nothing: the good ones fail without them.
std::optional<Rows> confirm(pg::Relation& all, Rows suspects, std::int64_t most, pg::Relation& input,
                            const Attempt& attempt) {
  pg::Relation good(input.columns(), true);
  all.copy_without(good, suspects);
  good.copy_range(input, 0, good.rows());
  if (failure_of(attempt)) return std::nullopt;
  for (std::size_t before = suspects.size() + 1; !suspects.empty() && suspects.size() < before;) {
    before = suspects.size();
    pg::Relation tried(input.columns(), true);
    pg::Relation one(input.columns(), true);
    tried.clear();
    for (const std::uint64_t suspect : suspects) {
      all.copy_range(one, suspect, suspect + 1);
      one.append_to(tried);
    }
    Rows still;
    const auto among_good = [&] {
      good.copy_range(input, 0, good.rows());
      tried.append_to(input);
      attempt();
    };
    by_halves(tried, among_good, [&](pg::Relation&, std::uint64_t i, const Error& error) {
      still.push_back(suspects[i]);
      want_few(still.size(), most, error);
    });
    suspects = std::move(still);
    all.copy_without(good, suspects);
  }
  return suspects;
}

}  // namespace

bool leave_out(pg::Relation& input, bool row_by_row, std::int64_t most, const Attempt& attempt, const DeadRow& dead,
               const Attempt& rest) {
  std::map<std::uint64_t, Error> out;
  by_halves(input, attempt, [&](pg::Relation& row, std::uint64_t index, const Error& error) {
    out.emplace(index, error);
    if (!row_by_row) return;
    want_few(out.size(), most, error);
    dead(row, index, error);
  });
  if (out.empty()) return false;
  Rows left_out;
  for (const auto& [index, error] : out) left_out.push_back(index);
  pg::Relation all(input.columns(), true);
  input.copy_range(all, 0, input.rows());
  if (!row_by_row) {
    const std::optional<Rows> confirmed = confirm(all, left_out, most, input, attempt);
    if (!confirmed || confirmed->empty()) return false;
    left_out = *confirmed;
    for (const std::uint64_t index : left_out) {
      all.copy_range(input, index, index + 1);
      dead(input, index, out.at(index));
    }
  }
  all.copy_without(input, left_out);
  rest();
  all.copy_range(input, 0, all.rows());
  return true;
}

namespace {

using DeadRows = std::map<std::uint64_t, Error>;  // by their numbers in the page

void tell(pg::Relation& all, const DeadRows& rows, const DeadRow& dead) {
  pg::Relation one(all.columns(), true);
  for (const auto& [index, error] : rows) {
    all.copy_range(one, index, index + 1);
    dead(one, index, error);
  }
}

// What the checks at the end say when `page` is written; nothing of it stays.
void try_to_write(pg::Relation& page, sink::PageSink& sink) {
  pg::Subtransaction attempt;
  try {
    (void)sink.write(page);
    pg::check_deferred_constraints();
  } catch (const Error&) {
    attempt.rollback();
    throw;
  }
  attempt.rollback();
}

// As write_by_halves, with the checks at the end; `dead` gets those that fail earlier. False, with nothing written:
// they fail.
bool passes_by_halves(pg::Relation& page, const Attempt& write, std::int64_t most, DeadRows& dead) {
  pg::Subtransaction attempt;
  try {
    by_halves(page, write, [&](pg::Relation&, std::uint64_t i, const Error& error) {
      dead.emplace(i, error);
      want_few(dead.size(), most, error);
    });
    pg::check_deferred_constraints();
    attempt.release();
    return true;
  } catch (const Error& error) {
    attempt.rollback();
    if (classify(error.sqlstate) != ErrorClass::kData) throw;
    return false;
  }
}

}  // namespace

sink::Written write_by_halves(pg::Relation& page, sink::PageSink& sink, bool deferred, std::int64_t most,
                              const DeadRow& dead) {
  sink::Written written;
  const auto write = [&](bool checks) {
    const sink::Written part = sink.write(page);
    if (checks) pg::check_deferred_constraints();
    written.inserted += part.inserted;
    written.updated += part.updated;
    written.unchanged += part.unchanged;
    written.superseded += part.superseded;
  };
  const auto write_part = [&] { write(false); };
  if (!deferred) {
    by_halves(page, write_part, dead);
    return written;
  }
  pg::Relation all(page.columns(), true);
  page.copy_range(all, 0, page.rows());
  DeadRows out;
  if (!passes_by_halves(page, write_part, most, out)) {
    written = {};
    Rows left_out, kept;
    for (std::uint64_t i = 0; i < all.rows(); ++i) (out.contains(i) ? left_out : kept).push_back(i);
    all.copy_without(page, left_out);
    const auto late = [&](pg::Relation&, std::uint64_t i, const Error& error) { out.emplace(kept[i], error); };
    if (!leave_out(
            page, false, most, [&] { try_to_write(page, sink); }, late, write_part)) {
      // They fail together, as two of one key do: the first ones stay.
      all.copy_without(page, left_out);
      by_halves(
          page, [&] { write(true); }, late);
    }
    all.copy_range(page, 0, all.rows());
  }
  tell(all, out, dead);
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

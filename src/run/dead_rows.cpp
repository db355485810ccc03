#include "run/dead_rows.hpp"

#include "core/json.hpp"
#include "core/sqlstate.hpp"
#include "pg/transaction.hpp"

namespace etl::run {

namespace {

struct Halves {
  pg::Relation& all;
  pg::Relation& page;
  const std::function<void()>& attempt;
  const DeadRow& dead;
  std::uint64_t deaths = 0;
};

// known_bad: the range was seen to fail whole.
void try_range(Halves& h, std::uint64_t from, std::uint64_t until, bool known_bad) {
  if (!known_bad || until - from == 1) {
    h.all.copy_range(h.page, from, until);
    pg::Subtransaction attempt;
    try {
      h.attempt();
      attempt.release();
      return;
    } catch (const Error& error) {
      attempt.rollback();
      if (classify(error.sqlstate) != ErrorClass::kData) throw;
      if (until - from == 1) {
        h.dead(h.all, from, error);
        ++h.deaths;
        return;
      }
    }
  }
  const std::uint64_t middle = from + (until - from) / 2;
  const std::uint64_t before = h.deaths;
  try_range(h, from, middle, false);
  // The whole range fails; if its first half did not, the second one does.
  try_range(h, middle, until, h.deaths == before);
}

}  // namespace

void by_halves(pg::Relation& page, const std::function<void()>& attempt, const DeadRow& dead) {
  pg::Relation all(page.columns(), true);
  page.copy_range(all, 0, page.rows());
  Halves halves{all, page, attempt, dead};
  if (all.rows() > 0) try_range(halves, 0, all.rows(), true);
  all.copy_range(page, 0, all.rows());
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

#include "run/halves.hpp"

#include "pg/transaction.hpp"

namespace etl::run {

namespace {

struct Halves {
  pg::Relation& all;
  pg::Relation& page;
  sink::PageSink& sink;
  const DeadRow& dead;
  sink::Written written;
  std::uint64_t deaths = 0;
};

// known_bad: the range was seen to fail whole.
void write_range(Halves& h, std::uint64_t from, std::uint64_t until, bool known_bad) {
  if (!known_bad || until - from == 1) {
    h.all.copy_range(h.page, from, until);
    pg::Subtransaction attempt;
    try {
      const sink::Written part = h.sink.write(h.page);
      pg::check_deferred_constraints();
      attempt.release();
      h.written.inserted += part.inserted;
      h.written.updated += part.updated;
      h.written.unchanged += part.unchanged;
      h.written.superseded += part.superseded;
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
  write_range(h, from, middle, false);
  // The whole range fails; if its first half did not, the second one does.
  write_range(h, middle, until, h.deaths == before);
}

}  // namespace

sink::Written write_by_halves(pg::Relation& page, sink::PageSink& sink, const DeadRow& dead) {
  pg::Relation all(page.columns(), true);
  page.copy_range(all, 0, page.rows());
  Halves halves{all, page, sink, dead, {}};
  if (all.rows() > 0) write_range(halves, 0, all.rows(), true);  // that it fails whole is why we are here
  all.copy_range(page, 0, all.rows());
  return halves.written;
}

}  // namespace etl::run

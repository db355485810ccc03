#include "run/quarantine.hpp"

#include "core/json.hpp"
#include "core/sqlstate.hpp"
#include "pg/fault.hpp"
#include "pg/transaction.hpp"
#include "run/halves.hpp"

namespace etl::run {

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

void Quarantine::keep(pg::Relation& rows, std::uint64_t index, const Error& error) {
  keep_record(record_of(rows, index), error);
}

void Quarantine::keep_record(const std::string& record, const Error& error) {
  catalog::DeadLetter letter;
  letter.record = record;
  letter.error_code = error.sqlstate;
  letter.error_message = error.message;
  letter.context = json::Object()
                       .add("detail", error.detail)
                       .add("constraint", error.constraint)
                       .add("column", error.column)
                       .add("correlation_id", context_.correlation_id)
                       .str();
  (void)catalog::save_dead_letter(context_.pipeline, context_.run, "sink", letter);
  pg::fault_point(11);
  const std::int64_t count = catalog::count_dead_letters_of_run(context_.pipeline, context_.run);
  if (count > context_.plan.options.max_dead_letters) {
    throw Error(sqlstate::kTooManyDeadLetters,
                "more than " + std::to_string(context_.plan.options.max_dead_letters) + " rows could not be written",
                "The last one failed with " + error.sqlstate + ": " + error.message,
                "Look at etl.dead_letters, mend the source or the target, or raise option \"max_dead_letters\".");
  }
}

sink::Written Quarantine::bisect(pg::Relation& page, sink::TableSink& sink, std::uint64_t& dead) {
  return write_by_halves(page, sink, [&](pg::Relation& rows, std::uint64_t index, const Error& error) {
    keep(rows, index, error);
    ++dead;
  });
}

void Quarantine::take_unreachable(source::SqlSource& source, pg::Relation& page, catalog::Checkpoint& checkpoint,
                                  bool from_start) {
  // Slice 0 looks for all. A source that is spilled whole shows its NULL keys as they come.
  const bool whole = source.spills() && from_start && !source.bounded();
  if (!context_.plan.keys_may_be_null || checkpoint.slice > 0 || whole) return;
  catalog::BatchRecord record;
  record.started_us = pg::now_us();
  pg::begin();
  source.read_null_keys(page);
  const auto dead = static_cast<std::int64_t>(take_null_keys(page));
  // When the run looks again, after a pause or an error, they are counted already.
  if (dead > 0 && !context_.resumed && !counted_) {
    record.counters.read = dead;
    record.counters.dead = dead;
    record.pipeline = context_.pipeline;
    record.run = context_.run;
    record.epoch = context_.epoch;
    record.slice = checkpoint.slice;
    record.batch_no = ++checkpoint.batch_no;
    record.phase = "null keys";
    (void)catalog::save_batch(record);
  }
  pg::commit(dead > 0);
  counted_ = true;
}

std::uint64_t Quarantine::take_null_keys(pg::Relation& page) {
  if (page.null_keys() == 0) return 0;
  pg::Relation bad(page.columns(), true);
  pg::Relation good(page.columns(), true);
  page.split_null_keys(bad, good);
  const Error error("23502", "a key column of a row is null", "The row is " + bad.row_json(0).substr(0, 500) + ".",
                    "Filter such rows out in the source, or set option \"null_keys\" to \"dead_letter\".");
  if (!context_.plan.options.dead_letter_null_keys) throw error;
  for (std::uint64_t i = 0; i < bad.rows(); ++i) keep(bad, i, error);
  good.copy_range(page, 0, good.rows());
  return bad.rows();
}

}  // namespace etl::run

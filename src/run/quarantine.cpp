#include "run/quarantine.hpp"

#include <algorithm>
#include <functional>

#include "core/dead_letters.hpp"
#include "core/json.hpp"
#include "core/printable.hpp"
#include "pg/fault.hpp"
#include "pg/transaction.hpp"
#include "run/dead_rows.hpp"

namespace etl::run {

namespace {

constexpr std::int64_t kMostUncounted = 100;

// Whose rows the page of a feed has: the paged step's, or the sink's.
const std::string& step_of_page(const Plan& plan, std::size_t feed) {
  return plan.way == Way::kBatch && !plan.straight ? plan.paged_step : plan.sinks[feed].step;
}

}  // namespace

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
  const std::string step = error.step.empty() ? std::string("sink") : error.step;
  letter.copy = copies_[std::hash<std::string>()(step + '\n' + record)]++;
  if (catalog::save_dead_letter(context_.pipeline, context_.run, step, letter)) ++kept_;
  pg::fault_point(11);
  if (uncounted_-- > 0) return;
  const std::int64_t most = context_.plan.options.max_dead_letters;
  const std::int64_t count = catalog::count_dead_letters_of_run(context_.pipeline, context_.run);
  if (count > most) throw too_many_dead_letters(most, error);
  uncounted_ = std::min(most - count, kMostUncounted);
}

sink::Written Quarantine::bisect(pg::Relation& page, sink::PageSink& sink, std::size_t number, std::uint64_t& dead) {
  const Plan& plan = context_.plan;
  return write_by_halves(page, sink, plan.sinks.size() == 1, [&](pg::Relation& row, std::uint64_t, Error error) {
    error.step = plan.sinks[number].step;
    keep_record(record_of(row, 0), error);
    ++dead;
  });
}

std::uint64_t Quarantine::take_left_out(pg::Relation& page, const std::vector<sink::LeftOut>& rows,
                                        const std::string& step) {
  for (const sink::LeftOut& row : rows) {
    Error error = row.error;
    error.step = step;
    keep_record(record_of(page, row.index), error);
  }
  return rows.size();
}

Error refusal(const sink::DeadRow& row) {
  Error error = row.error;
  error.detail += (error.detail.empty() ? "" : " ") + ("The document is " + printable(row.document, 500) + ".");
  error.hint = "Mend the source, or set option \"on_error\" to \"quarantine\".";
  return error;
}

std::uint64_t Quarantine::take_refused(pg::Relation& page, const std::vector<sink::DeadRow>& rows,
                                       const std::string& step) {
  for (const sink::DeadRow& row : rows) {
    if (!context_.plan.options.quarantine) throw refusal(row);
    Error error = row.error;
    error.step = step;
    keep_record(row.document.empty() ? record_of(page, row.index) : row.document, error);
  }
  return rows.size();
}

std::uint64_t Quarantine::take_bad_records(const std::vector<source::BadRecord>& records) {
  for (const source::BadRecord& bad : records) keep_record(bad.record, bad.error);
  return records.size();
}

std::uint64_t Quarantine::take_violations(const std::vector<Violation>& violations) {
  // A row that breaks two rules is one.
  std::map<std::string, std::int64_t> kept;
  std::map<std::string, std::int64_t> broken;
  std::uint64_t rows = 0;
  for (const Violation& violation : violations) {
    const std::string row = violation.step + '\n' + *violation.record;
    if (++broken[violation.rule + '\n' + row] <= kept[row]) continue;
    ++kept[row];
    ++rows;
    Error error("23514", violation.message, "Rule " + violation.rule + " of check \"" + violation.step + "\".");
    error.step = violation.step;
    keep_record(*violation.record, error);
  }
  return rows;
}

void Quarantine::save_found(catalog::Checkpoint& checkpoint, std::int64_t started_us, std::uint64_t dead,
                            const char* phase) {
  catalog::BatchRecord record;
  record.started_us = started_us;
  record.counters.read = static_cast<std::int64_t>(dead);
  record.counters.dead = record.counters.read;
  record.pipeline = context_.pipeline;
  record.run = context_.run;
  record.epoch = context_.epoch;
  record.slice = checkpoint.slice;
  record.batch_no = ++checkpoint.batch_no;
  record.phase = phase;
  (void)catalog::save_batch(record);
}

void Quarantine::take_unreachable(Flow& flow, catalog::Checkpoint& checkpoint, bool from_start) {
  const Plan& plan = context_.plan;
  if (checkpoint.slice > 0 && !plan.each_step) return;  // slice 0 looks for all
  const std::int64_t started_us = pg::now_us();
  const bool checked =
      plan.way == Way::kWhole && !(flow.evaluation()->violations().empty() && flow.evaluation()->bad_records().empty());
  std::vector<std::size_t> feeds;
  for (std::size_t i = 0; i < flow.feeds(); ++i) {
    if (flow.source(i).hides_null_keys(from_start)) feeds.push_back(i);
  }
  if (!checked && feeds.empty()) return;
  pg::begin();
  copies_.clear();
  const std::uint64_t before = kept_;  // what it looks at again, after a pause or an error, is counted already
  if (checked) {
    (void)take_violations(flow.evaluation()->violations());
    (void)take_bad_records(flow.evaluation()->bad_records());
  }
  for (const std::size_t i : feeds) {
    flow.source(i).read_null_keys(flow.page(i));
    (void)take_null_keys(flow.page(i), step_of_page(plan, i));
  }
  const std::uint64_t dead = kept_ - before;
  if (dead > 0) save_found(checkpoint, started_us, dead, checked ? "checks" : "null keys");
  pg::commit(dead > 0);
}

std::uint64_t Quarantine::take_out(Flow& flow) {
  copies_.clear();
  const Plan& plan = context_.plan;
  const bool by_batch = plan.way == Way::kBatch;
  std::uint64_t dead = 0;
  for (std::size_t i = 0; i < flow.feeds(); ++i) {
    dead += take_bad_records(flow.source(i).bad());
    dead += take_null_keys(flow.page(i), step_of_page(plan, i));
  }
  if (!by_batch) return dead;
  flow.run_steps();
  dead += take_violations(flow.evaluation()->violations());
  dead += take_bad_records(flow.evaluation()->bad_records());
  for (std::size_t i = 0; i < plan.sinks.size(); ++i) dead += take_null_keys(flow.input(i), plan.sinks[i].step);
  return dead;
}

std::uint64_t Quarantine::take_null_keys(pg::Relation& page, const std::string& step) {
  refused_ = false;
  if (page.null_keys() == 0) return 0;
  pg::Relation bad(page.columns(), true);
  pg::Relation good(page.columns(), true);
  page.split_null_keys(bad, good);
  Error error("23502", "a key column of a row is null", "The row is " + printable(bad.row_json(0), 500) + ".",
              "Filter such rows out in the source, or set option \"null_keys\" to \"dead_letter\".");
  error.step = step;
  refused_ = !context_.plan.options.dead_letter_null_keys;
  if (refused_) throw error;
  for (std::uint64_t i = 0; i < bad.rows(); ++i) keep_record(record_of(bad, i), error);
  good.copy_range(page, 0, good.rows());
  return bad.rows();
}

}  // namespace etl::run

#include "run/table_loop.hpp"

#include <algorithm>
#include <utility>

#include "catalog/runs.hpp"
#include "pg/fault.hpp"
#include "pg/process.hpp"
#include "pg/transaction.hpp"
#include "run/replan.hpp"
#include "run/target_check.hpp"

namespace etl::run {

namespace {

StepWork sink_work(const std::string& step, std::int64_t started_us, std::uint64_t rows, const sink::Written& written,
                   const std::string& figures) {
  return {step, started_us, pg::now_us() - started_us, rows, written.inserted + written.updated, figures};
}

}  // namespace

TableLoop::TableLoop(Context& context, catalog::Checkpoint& checkpoint, source::Range range, bool again)
    : context_(context),
      checkpoint_(checkpoint),
      range_(std::move(range)),
      again_(again),
      retry_(context),
      quarantine_(context) {
  if (!again_) position_ = checkpoint_.position;
}

std::vector<StepWork> work_of_batch(Flow& flow, const Plan& plan, std::int64_t started_us, std::int64_t read_us) {
  if (plan.way != Way::kBatch) return {};
  std::vector<StepWork> work = flow.evaluation()->work();
  work.push_back({plan.paged_step, started_us, read_us, std::nullopt, flow.rows_read(), "{}"});
  return work;
}

void TableLoop::open() {
  flow_ = start_flow(context_, range_);
  pg::begin();
  flow_->open();
  sinks_.clear();
  sweeps_.clear();
  swaps_.clear();
  for (std::size_t i = 0; i < context_.plan.sinks.size(); ++i) {
    const double rows = context_.plan.way == Way::kBatch ? 0 : flow_->source(i).rows_total();
    sinks_.push_back(senders_[i] ? nullptr : make_sink(context_.plan, i, rows));
    if (sinks_.back()) sinks_.back()->open(flow_->input(i));
    sweeps_.push_back(make_sweep(context_.plan.sinks[i], flow_->input(i)));
    swaps_.push_back(make_swap(context_.plan, i, flow_->input(i)));
  }
  pg::fault_point(4);
  pg::commit(false);
}

void TableLoop::open_senders() {
  pg::begin();
  senders_.clear();
  const bool goes_on = position_ || context_.goes_on;
  for (std::size_t i = 0; i < context_.plan.sinks.size(); ++i) {
    senders_.push_back(make_sender(context_.plan, i, goes_on));
  }
  pg::commit(false);
  for (const auto& sender : senders_) {
    if (sender) sender->open();
  }
}

void TableLoop::start() {
  open_senders();
  catch_up();
  open();
  if (!again_) quarantine_.take_unreachable(*flow_, checkpoint_, !position_);
  estimate();
}

sink::Intent TableLoop::intent(const catalog::BatchRecord& record) const {
  return {context_.correlation_id, record.slice, record.epoch, record.batch_no,
          catalog::write_record(record, flow_->files())};
}

// Sends the batch to the sinks elsewhere. The transaction that read it ends, since nothing is held while the network is
// waited for, and another begins. Dead letters of a batch that may arrive are on disk before it does.
void TableLoop::deliver(const catalog::BatchRecord& record) {
  const std::vector<SinkPlan>& sinks = context_.plan.sinks;
  const bool versioned = std::any_of(sinks.begin(), sinks.end(), [](const SinkPlan& sink) { return sink.is_index(); });
  const std::int64_t version = versioned ? catalog::reserve_versions(context_.pipeline, context_.epoch, 1) : 0;
  for (std::size_t i = 0; i < senders_.size(); ++i) {
    if (!senders_[i]) continue;
    if (kept_elsewhere()) senders_[i]->start();  // beside others it would wait for them with locks held there
    senders_[i]->encode(flow_->input(i), version);
  }
  const sink::Intent which = intent(record);
  pg::commit(versioned || record.counters.dead > 0);
  delivered_.assign(senders_.size(), {});
  for (std::size_t i = 0; i < senders_.size(); ++i) {
    if (!senders_[i]) continue;
    const std::int64_t started_us = pg::now_us();
    delivered_[i] = senders_[i]->deliver(which);
    if (!delivered_[i].dead.empty()) {
      pg::begin();
      delivered_[i].refused =
          quarantine_.take_refused(senders_[i]->rows(), delivered_[i].dead, context_.plan.sinks[i].step);
      pg::commit(true);
    }
    senders_[i]->commit();
    delivered_[i].active_us = pg::now_us() - started_us;
  }
  pg::begin();
}

// The one sink's server may be a batch ahead, since its answer or our commit was lost; or further, where this database
// has fallen back (a standby was promoted). Before the source is opened, which then begins behind it.
void TableLoop::catch_up() {
  if (!kept_elsewhere()) return;
  catalog::BatchRecord record = next_record();
  const auto last = senders_[0]->last({context_.correlation_id, record.slice, record.epoch, record.batch_no, {}});
  if (!last || last->batch_no < record.batch_no) return;
  const bool fell_back = last->batch_no > record.batch_no;
  record.batch_no = last->batch_no;
  const json::Document kept = json::parse(last->record, "a checkpoint that another server keeps");
  const bool begins_here = catalog::read_record(kept, record);
  checkpoint_.batch_no = record.batch_no;
  if (!begins_here && !fell_back) return;  // it was rewound: the rows are wanted once more
  if (record.to && record.to->size() != position_types(context_.plan).size()) {
    throw Error("08P01", "a checkpoint that another server keeps is of another source");
  }
  catalog::Counters& c = record.counters;
  c.dead += static_cast<std::int64_t>(last->refused);
  c.inserted = static_cast<std::int64_t>(last->inserted);
  c.updated = static_cast<std::int64_t>(last->updated);
  c.superseded = static_cast<std::int64_t>(last->superseded);
  c.unchanged = c.read - c.inserted - c.updated - c.superseded - c.dead;
  pg::begin();
  seen_ = catalog::save_batch(record);
  if (const auto files = kept.FindMember("files"); files != kept.MemberEnd()) {
    catalog::save_files(context_.pipeline, context_.plan.paged_step, json::write(files->value));
  }
  if (context_.plan.at_once) catalog::finish_slice(context_.pipeline, context_.epoch, checkpoint_.slice);
  pg::commit(true);
  if (record.to) checkpoint_.position = record.to;
  if (record.to && !again_) position_ = record.to;
  done_ = context_.plan.at_once;
}

catalog::BatchRecord TableLoop::next_record() const {
  catalog::BatchRecord record;
  record.started_us = pg::now_us();
  record.pipeline = context_.pipeline;
  record.run = context_.run;
  record.epoch = context_.epoch;
  record.slice = checkpoint_.slice;
  record.batch_no = checkpoint_.batch_no + 1;
  record.attempt = context_.attempt;
  record.from = position_;
  record.phase = again_ ? "reading again" : flow_ ? flow_->phase() : "resumed";
  return record;
}

sink::Written TableLoop::write_to(std::size_t sink, Form form, std::uint64_t& dead) {
  pg::Relation& input = flow_->input(sink);
  const std::string& step = context_.plan.sinks[sink].step;
  if (senders_[sink]) {
    const sink::Delivered& delivered = delivered_[sink];
    dead += delivered.refused;
    return {delivered.inserted, delivered.updated, 0, delivered.superseded};
  }
  const sink::Written written = form == Form::kBisect && !sinks_[sink]->leaves_out()
                                    ? quarantine_.bisect(input, *sinks_[sink], sink, dead)
                                    : sinks_[sink]->write(input);
  dead += quarantine_.take_left_out(input, sinks_[sink]->left_out(), step);
  return written;
}

// With what is not among the rows, where that is to go.
sink::Replaced TableLoop::take(std::size_t sink, Form form, std::uint64_t& dead) {
  look_again(context_.plan.sinks[sink]);
  const auto aside = sweeps_[sink] ? flow_->put_aside(sink) : std::nullopt;
  if (swaps_[sink] && !in_place_ && aside && aside->empty()) {
    swapping_ = true;
    if (const auto replaced = swaps_[sink]->try_run()) return *replaced;
    swapping_ = false;
  }
  sink::Replaced replaced;
  if (sweeps_[sink] && aside && sweeps_[sink]->keep(*aside)) {
    replaced.deleted = sweeps_[sink]->run();  // first, so that what is gone is in nobody's way
  } else if (sweeps_[sink]) {
    catalog::write_event(context_.pipeline, context_.run, context_.role,
                         "rows whose key is not known were put aside: nothing of target \"" +
                             context_.plan.sinks[sink].target + "\" was deleted");
  }
  replaced.written = write_to(sink, form, dead);
  return replaced;
}

// What the sinks took. A row that a step between source and sinks left out is not among the rows read.
catalog::Counters TableLoop::write(Form form, std::uint64_t dead) {
  catalog::Counters c;
  std::uint64_t taken = dead;
  for (std::size_t i = 0; i < sinks_.size(); ++i) {
    pg::Relation& input = flow_->input(i);
    taken += input.rows();
    const std::int64_t started_us = pg::now_us() - (senders_[i] ? delivered_[i].active_us : 0);
    const std::string& step = context_.plan.sinks[i].step;
    const auto [written, deleted] = take(i, form, dead);
    taken += deleted;  // the sum of what became of the rows is the number of rows that were read
    c.deleted += static_cast<std::int64_t>(deleted);
    c.inserted += static_cast<std::int64_t>(written.inserted);
    c.updated += static_cast<std::int64_t>(written.updated);
    c.superseded += static_cast<std::int64_t>(written.superseded);
    context_.steps.add({sink_work(step, started_us, input.rows(), written, sinks_[i] ? sinks_[i]->figures() : "{}")});
  }
  c.read = static_cast<std::int64_t>(taken);
  c.dead = static_cast<std::int64_t>(dead);
  c.unchanged = c.read - c.inserted - c.updated - c.deleted - c.superseded - c.dead;
  if (again_) c.late = c.inserted + c.updated;
  return c;
}

bool TableLoop::batch(Form form) {
  taken_ = false;
  in_steps_ = false;
  if (replan_) {
    closed_ = true;
    plan_anew(context_, *replan_);
    replan_.reset();
  }
  in_steps_ = true;
  if (closed_) start();
  closed_ = false;
  if (done_) return false;
  catalog::BatchRecord record = next_record();
  flow_->fetch(position_);
  pg::begin();
  pg::fault_point(3);
  const auto step_timeout = static_cast<int>(context_.plan.options.step_timeout_ms);
  std::optional<pg::StatementTimer> timer(step_timeout);
  taken_ = true;
  const bool more = flow_->read(position_);
  pg::fault_point(5);
  if (!flow_->any() && !context_.plan.at_once) {
    pg::commit(false);
    taken_ = false;
    return false;
  }
  const auto bytes = static_cast<std::int64_t>(flow_->bytes_read());
  const std::int64_t read_us = pg::now_us() - record.started_us;
  const std::uint64_t dead = quarantine_.take_out(*flow_);
  in_steps_ = false;
  context_.steps.add(work_of_batch(*flow_, context_.plan, record.started_us, read_us));
  const std::optional<pg::Key> reached = flow_->reached();
  pg::fault_point(6);
  if (!again_) record.to = reached;
  pg::fault_point(7);
  if (context_.plan.sends()) {
    timer.reset();
    record.counters.bytes = bytes;
    record.counters.dead = static_cast<std::int64_t>(dead);
    record.counters.read = static_cast<std::int64_t>(dead + flow_->input(0).rows());
    deliver(record);
    timer.emplace(step_timeout);
  }
  record.counters = write(form, dead);
  record.counters.bytes = bytes;
  pg::fault_point(8);
  pg::fault_point(9);
  pg::fault_point(10);
  seen_ = catalog::save_batch(record);
  catalog::save_files(context_.pipeline, context_.plan.paged_step, flow_->files());
  context_.steps.save();
  if (context_.plan.at_once) finish();
  pg::fault_point(12);
  pg::commit(context_.plan.options.durable_batches);
  context_.steps.committed();
  taken_ = false;
  done_ = context_.plan.at_once;
  checkpoint_.batch_no = record.batch_no;
  if (reached) position_ = reached;
  pg::fault_point(13);
  return more;
}

// The run's one batch: all is done with it.
void TableLoop::finish() {
  catalog::finish_slice(context_.pipeline, context_.epoch, checkpoint_.slice);
  pg::check_deferred_constraints();
  for (const auto& sink : sinks_) {
    if (sink) sink->publish();
  }
}

// False: all sinks did already.
bool TableLoop::use_on_conflict() {
  bool changed = false;
  for (const auto& sink : sinks_) changed = (sink && sink->use_on_conflict()) || changed;
  return changed;
}

// With the transaction rolled back: what is to follow.
Order TableLoop::answer(const Error& error, Form& form) {
  const bool timer_fired = pg::statement_timer_fired();
  if (taken_) flow_->again();
  in_place_ = true;
  if (!closed_) context_.steps.rolled_back();  // else they say what was done before the failure
  // A sink elsewhere may have the batch nevertheless.
  closed_ = closed_ || kept_elsewhere();
  const ErrorClass kind = classify(error.sqlstate);
  const bool lasting = kind == ErrorClass::kData || kind == ErrorClass::kPermanent;
  if (std::exchange(swapping_, false) && lasting) return Order::kGoOn;  // in place
  // XX000: a merge join that met a page out of order, as an index on another version of a collation delivers it.
  const bool other_form_may_do = error.sqlstate == "23505" || error.sqlstate == "XX000";
  if (other_form_may_do && form == Form::kQuick && use_on_conflict()) return Order::kGoOn;
  if (error.sqlstate == "0A000" && !std::exchange(planned_anew_, true)) {
    replan_ = context_.plan.each_step;
    return Order::kGoOn;
  }
  if (in_steps_ && !quarantine_.refused() && helps_each_step(context_.plan, error)) {
    replan_ = true;
    return Order::kGoOn;
  }
  if (kind == ErrorClass::kData && context_.plan.options.quarantine && form == Form::kQuick) {
    form = Form::kBisect;
    (void)use_on_conflict();
    return Order::kGoOn;
  }
  return retry_.after(error, timer_fired);
}

Order TableLoop::batch_with_retries(bool& more) {
  Form form = Form::kQuick;
  for (;;) {
    try {
      more = batch(form);
      retry_.succeeded();
      for (const auto& sink : sinks_) {
        if (sink) sink->use_merge();
      }
      planned_anew_ = false;
      if (seen_ == model::State::RUNNING) return Order::kGoOn;
      return seen_ == model::State::PAUSE_REQUESTED ? Order::kPause : Order::kStop;
    } catch (const Error& error) {
      pg::abort_transaction();
      const Order order = answer(error, form);
      if (order == Order::kStop) return order;
    }
  }
}

void TableLoop::estimate() {
  pg::begin();
  catalog::set_rows_total(context_.pipeline, checkpoint_.slice, static_cast<std::int64_t>(flow_->rows_total()),
                          flow_->phase());
  pg::commit(false);
}

Outcome TableLoop::run() {
  for (bool more = true; more;) {
    const Order order = batch_with_retries(more);
    if (order == Order::kStop) return Outcome::kStopped;
    if (order == Order::kPause && more) return Outcome::kPaused;
  }
  return Outcome::kDone;
}

}  // namespace etl::run

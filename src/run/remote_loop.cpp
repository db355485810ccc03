#include "run/remote_loop.hpp"

#include <utility>

#include "core/sqlstate.hpp"
#include "pg/fault.hpp"
#include "pg/process.hpp"
#include "pg/transaction.hpp"
#include "run/dead_rows.hpp"
#include "run/replan.hpp"
#include "run/sinks.hpp"
#include "run/table_loop.hpp"

namespace etl::run {

RemoteLoop::RemoteLoop(Context& context, catalog::Checkpoint& checkpoint, source::Range range, bool again)
    : context_(context),
      checkpoint_(checkpoint),
      range_(std::move(range)),
      again_(again),
      retry_(context),
      quarantine_(context) {
  if (!again_) saved_ = checkpoint_.position;
}

// Also after an error: behind what is saved, with nothing under way. What was sent beyond it is read and sent again.
void RemoteLoop::open() {
  sink_.reset();
  sent_.clear();
  done_.clear();
  position_ = saved_;
  more_ = true;
  context_.steps.rolled_back();
  flow_ = start_flow(context_, range_);
  pg::begin();
  flow_->open();
  sink::ElasticSpec spec = elastic_spec(context_.plan, context_.plan.sink(), context_.correlation_id);
  spec.goes_on = saved_ || context_.goes_on;
  sink_ = std::make_unique<sink::ElasticSink>(std::move(spec));
  catalog::set_rows_total(context_.pipeline, checkpoint_.slice, static_cast<std::int64_t>(flow_->rows_total()),
                          flow_->phase());
  pg::commit(false);
  sink_->open();
}

std::optional<sink::Batch> RemoteLoop::read_next() {
  Sent sent;
  catalog::BatchRecord& record = sent.record;
  record.started_us = pg::now_us();
  const bool more = flow_->read(position_);
  pg::fault_point(5);
  if (!flow_->any()) {
    more_ = false;
    return std::nullopt;
  }
  catalog::Counters& c = record.counters;
  c.bytes = static_cast<std::int64_t>(flow_->bytes_read());
  const std::int64_t read_us = pg::now_us() - record.started_us;
  c.dead = static_cast<std::int64_t>(quarantine_.take_out(*flow_));
  sent.files = flow_->files();
  sent.work = work_of_batch(*flow_, context_.plan, record.started_us, read_us);
  c.read = c.dead + static_cast<std::int64_t>(flow_->input(0).rows());
  const std::optional<pg::Key> reached = flow_->reached();
  const std::int64_t version = catalog::reserve_versions(context_.pipeline, context_.epoch, 1);
  pg::fault_point(3);
  sink::Batch batch = sink_->encode(flow_->input(0), version);
  for (sink::DeadRow& row : batch.dead) {
    if (row.document.empty()) row.document = record_of(flow_->input(0), row.index);
  }
  record.pipeline = context_.pipeline;
  record.run = context_.run;
  record.epoch = context_.epoch;
  record.slice = checkpoint_.slice;
  record.batch_no = next_batch_no_++;
  record.attempt = context_.attempt;
  record.from = position_;
  if (!again_) record.to = reached;
  record.phase = again_ ? "reading again" : flow_->phase();
  if (reached) position_ = reached;
  sent.reached = position_;
  sent_.push_back(std::move(sent));
  more_ = more;
  return batch;
}

void RemoteLoop::save_acknowledged() {
  for (std::size_t i = 0; i < done_.size(); ++i) {
    catalog::BatchRecord record = sent_[i].record;
    for (const sink::DeadRow& row : done_[i].dead) quarantine_.keep_record(row.document, row.error);
    catalog::Counters& c = record.counters;
    c.dead += static_cast<std::int64_t>(done_[i].dead.size());
    c.inserted = static_cast<std::int64_t>(done_[i].created);
    c.updated = static_cast<std::int64_t>(done_[i].stored - done_[i].created);
    c.superseded = static_cast<std::int64_t>(done_[i].superseded);
    c.unchanged = c.read - c.inserted - c.updated - c.dead - c.superseded;  // a newer version was there already
    if (again_) c.late = c.inserted;
    seen_ = catalog::save_batch(record);
    std::vector<StepWork> work = sent_[i].work;
    work.push_back({context_.plan.sink().step, record.started_us, pg::now_us() - record.started_us,
                    static_cast<std::uint64_t>(record.counters.read), done_[i].stored, "{}"});
    context_.steps.add(work);
    catalog::save_files(context_.pipeline, context_.plan.paged_step, sent_[i].files);
    context_.steps.save();
    pg::fault_point(12);
  }
}

void RemoteLoop::forget_saved() {
  if (done_.empty()) return;
  context_.steps.committed();
  saved_ = sent_[done_.size() - 1].reached;
  checkpoint_.batch_no = sent_[done_.size() - 1].record.batch_no;
  sent_.erase(sent_.begin(), sent_.begin() + static_cast<std::ptrdiff_t>(done_.size()));
  done_.clear();
}

// One transaction: the checkpoint of what was acknowledged, and the intent to send the next batch. Then the sending.
void RemoteLoop::step() {
  std::optional<sink::Batch> batch;
  const auto reads = [&] { return more_ && room() && seen_ == model::State::RUNNING; };
  if (reads()) flow_->fetch(position_);
  pg::begin();
  const pg::StatementTimer timer(static_cast<int>(context_.plan.options.step_timeout_ms));
  save_acknowledged();
  if (reads()) batch = read_next();
  pg::commit(true);
  if (!done_.empty()) {
    forget_saved();
    retry_.succeeded();
    planned_anew_ = false;
    pg::fault_point(13);
  }
  if (!batch) return;
  pg::fault_point(4);
  (void)sink_->send(std::move(*batch));
}

bool RemoteLoop::room() const {
  return sink_->has_room();
}

// Takes in what has come back. A failure is thrown once everything before it is saved.
void RemoteLoop::collect(int wait_ms) {
  sink_->pump(wait_ms);
  while (!failure_) {
    std::optional<sink::Done> done = sink_->take();
    if (!done) break;
    if (done->failure) {
      failure_ = std::move(done->failure);
    } else if (!done->dead.empty() && !context_.plan.options.quarantine) {
      failure_ = refusal(done->dead.front());
    } else {
      done_.push_back(std::move(*done));
    }
  }
}

// Until there is nothing more to do, or failure_ is left.
void RemoteLoop::move() {
  open();
  if (!again_) quarantine_.take_unreachable(*flow_, checkpoint_, !position_);
  next_batch_no_ = checkpoint_.batch_no + 1;
  while (seen_ == model::State::RUNNING || seen_ == model::State::PAUSE_REQUESTED) {
    collect(0);
    const bool may_read = more_ && room() && seen_ == model::State::RUNNING && !failure_;
    if (may_read || !done_.empty()) {
      step();
    } else if (failure_ || sent_.empty()) {
      return;
    } else {
      collect(1000);
    }
  }
}

void RemoteLoop::move_or_plan_anew() {
  try {
    move();
  } catch (const Error& error) {
    // What the sink fails with is in failure_.
    const bool each_step = !quarantine_.refused() && helps_each_step(context_.plan, error);
    if (!each_step && (error.sqlstate != "0A000" || std::exchange(planned_anew_, true))) throw;
    pg::abort_transaction();
    plan_anew(context_, each_step || context_.plan.each_step);
    move();
  }
}

Outcome RemoteLoop::run() {
  if (retry_.repeat([&] { move_or_plan_anew(); }) == Order::kStop) return Outcome::kStopped;
  if (failure_) throw *failure_;  // the sink has tried as often as it may
  if (seen_ != model::State::RUNNING && seen_ != model::State::PAUSE_REQUESTED) return Outcome::kStopped;
  return seen_ == model::State::PAUSE_REQUESTED && more_ ? Outcome::kPaused : Outcome::kDone;
}

}  // namespace etl::run

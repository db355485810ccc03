#include "run/table_loop.hpp"

#include <utility>

#include "pg/fault.hpp"
#include "pg/process.hpp"
#include "pg/transaction.hpp"

namespace etl::run {

namespace {

constexpr double kRangeFactor = 4;  // a row met in a range scan costs a quarter of an index probe
constexpr double kRangeRows = 50000;

double target_rows(const Plan& plan) {
  pg::Statement all("SELECT FROM " + plan.table->name, {}, {}, pg::Planning::kFree);
  return all.estimated_rows();
}

// A range scan reads all that the target holds between a batch's first and last key: worth it unless that is much
// more than the source has.
bool range_pays(const Plan& plan, double source_rows) {
  return plan.key_range && target_rows(plan) <= kRangeFactor * source_rows + kRangeRows;
}

}  // namespace

source::SqlSourceSpec source_spec(const Plan& plan, const source::Range& range) {
  source::SqlSourceSpec spec;
  spec.query = plan.definition.source;
  spec.columns = plan.source.columns;
  spec.order = plan.order;
  spec.order_types = plan.order_types;
  spec.order_operators = plan.order_operators;
  spec.keys = plan.keys;
  spec.null_keys = plan.keys_may_be_null;
  spec.range = range;
  spec.page_rows = static_cast<std::uint64_t>(plan.definition.batch_size);
  spec.one_snapshot = plan.options.snapshot_run;
  return spec;
}

std::unique_ptr<sink::TableSink> make_table_sink(const Plan& plan, double source_rows) {
  return std::make_unique<sink::TableSink>(plan.upsert, plan.keys, range_pays(plan, source_rows), plan.order_types[0]);
}

void plan_anew(Context& context) {
  const std::vector<std::string> types = context.plan.position_types;
  pg::begin();
  context.plan = make_plan(context.plan.definition, context.plan.definition.owner);
  pg::commit(false);
  check_position(context.plan, types);
}

TableLoop::TableLoop(Context& context, catalog::Checkpoint& checkpoint, source::Range range, bool again)
    : context_(context),
      checkpoint_(checkpoint),
      range_(std::move(range)),
      again_(again),
      retry_(context),
      quarantine_(context) {
  if (!again_) position_ = checkpoint_.position;
}

void TableLoop::open() {
  pg::begin();
  source_ = std::make_unique<source::SqlSource>(source_spec(context_.plan, range_));
  source_->open();
  page_ = source_->make_page(false);
  page_->clear();
  sink_ = make_table_sink(context_.plan, source_->rows_total());
  sink_->open(*page_);
  pg::fault_point(4);
  pg::commit(false);
}

void TableLoop::start() {
  open();
  if (!again_) quarantine_.take_unreachable(*source_, *page_, checkpoint_, !position_);
}

bool TableLoop::batch(Form form) {
  catalog::BatchRecord record;
  record.started_us = pg::now_us();
  pg::begin();
  pg::fault_point(3);
  const pg::StatementTimer timer(static_cast<int>(context_.plan.options.step_timeout_ms));
  taken_ = true;
  const bool more = source_->read(position_, *page_);
  pg::fault_point(5);
  if (page_->rows() == 0) {
    pg::commit(false);
    taken_ = false;
    return false;
  }
  const std::uint64_t rows = page_->rows();
  record.counters.bytes = static_cast<std::int64_t>(page_->bytes());
  const std::optional<pg::Key> last = page_->last_position();
  std::uint64_t dead = quarantine_.take_null_keys(*page_);
  const bool ends_null = dead > 0 && last && source::has_null(*last);
  const std::optional<pg::Key> reached = ends_null ? page_->last_position() : last;
  pg::fault_point(6);
  pg::fault_point(7);
  const sink::Written written = form == Form::kBisect ? quarantine_.bisect(*page_, *sink_, dead) : sink_->write(*page_);
  pg::fault_point(8);
  catalog::Counters& c = record.counters;
  c.read = static_cast<std::int64_t>(rows);
  c.inserted = static_cast<std::int64_t>(written.inserted);
  c.updated = static_cast<std::int64_t>(written.updated);
  c.superseded = static_cast<std::int64_t>(written.superseded);
  c.dead = static_cast<std::int64_t>(dead);
  c.unchanged = c.read - c.inserted - c.updated - c.superseded - c.dead;
  if (again_) c.late = c.inserted + c.updated;
  record.pipeline = context_.pipeline;
  record.run = context_.run;
  record.epoch = context_.epoch;
  record.slice = checkpoint_.slice;
  record.batch_no = checkpoint_.batch_no + 1;
  record.attempt = context_.attempt;
  record.from = position_;
  if (!again_) record.to = reached;
  record.phase = again_ ? "reading again" : source_->spills() ? "spilled" : "paged";
  pg::fault_point(9);
  pg::fault_point(10);
  seen_ = catalog::save_batch(record);
  pg::fault_point(12);
  pg::commit(context_.plan.options.durable_batches);
  taken_ = false;
  checkpoint_.batch_no = record.batch_no;
  if (reached) position_ = reached;
  pg::fault_point(13);
  return more;
}

// With the transaction rolled back: what is to follow.
Order TableLoop::answer(const Error& error, Form& form) {
  const bool timer_fired = pg::statement_timer_fired();
  if (taken_) source_->again();
  const ErrorClass kind = classify(error.sqlstate);
  // XX000: a merge join that met a page out of order, as an index on another version of a collation delivers it.
  const bool other_form_may_do = error.sqlstate == "23505" || error.sqlstate == "XX000";
  if (other_form_may_do && form == Form::kQuick && sink_->use_on_conflict()) return Order::kGoOn;
  if (error.sqlstate == "0A000" && !std::exchange(planned_anew_, true)) {
    plan_anew(context_);
    start();
    return Order::kGoOn;
  }
  if (kind == ErrorClass::kData && context_.plan.options.quarantine && form == Form::kQuick) {
    form = Form::kBisect;
    (void)sink_->use_on_conflict();
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
      sink_->use_merge();
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
  catalog::set_rows_total(context_.pipeline, checkpoint_.slice, static_cast<std::int64_t>(source_->rows_total()),
                          source_->spills() ? "spilled" : "paged");
  pg::commit(false);
}

Outcome TableLoop::run() {
  const Order opened = retry_.repeat([&] {
    start();
    estimate();
  });
  if (opened == Order::kStop) return Outcome::kStopped;
  for (bool more = true; more;) {
    const Order order = batch_with_retries(more);
    if (order == Order::kStop) return Outcome::kStopped;
    if (order == Order::kPause && more) return Outcome::kPaused;
  }
  return Outcome::kDone;
}

}  // namespace etl::run

#include "run/flow.hpp"

#include <map>
#include <utility>

#include "pg/read_only.hpp"
#include "run/columns_kept.hpp"

namespace etl::run {

namespace {

// The part of a position that is one feed's; nothing: it has not begun.
std::optional<pg::Key> part_of(const std::optional<pg::Key>& position, std::size_t from, std::size_t size) {
  if (!position) return std::nullopt;
  pg::Key part(position->begin() + static_cast<std::ptrdiff_t>(from),
               position->begin() + static_cast<std::ptrdiff_t>(from + size));
  for (const auto& value : part) {
    if (value) return part;
  }
  return std::nullopt;
}

std::vector<int> indexes(const pg::Relation& relation, const std::vector<std::string>& columns) {
  std::vector<int> found;
  for (const std::string& name : columns) found.push_back(relation.column_index(name));
  return found;
}

// What an append takes may have a key twice.
pg::Relation::Watch watch_keys(const pg::Relation& relation, const SinkPlan& sink) {
  pg::Relation::Watch watch;
  watch.key = indexes(relation, sink.keys);
  watch.repetition = sink.write.mode != model::WriteMode::kAppend;
  return watch;
}

}  // namespace

source::SqlSourceSpec source_spec(const Plan& plan, const Feed& feed, const std::vector<std::string>& keys,
                                  const source::Range& range) {
  source::SqlSourceSpec spec;
  spec.query = feed.query;
  spec.columns = feed.source.columns;
  spec.order = feed.order;
  spec.order_types = feed.order_types;
  spec.order_operators = feed.order_operators;
  spec.keys = keys;
  spec.null_keys = feed.keys_may_be_null;
  spec.range = range;
  spec.page_rows = page_rows(plan);
  spec.one_snapshot = plan.options.snapshot_run;
  return spec;
}

source::OriginSpec origin_spec(const Plan& plan, const std::string& step, const std::vector<pg::Column>& columns) {
  source::OriginSpec spec;
  spec.step = step;
  spec.columns = columns;
  spec.page_rows = page_rows(plan);
  spec.quarantine = plan.options.quarantine;
  spec.max_dead_letters = plan.options.max_dead_letters;
  spec.incremental = plan.definition.mode == "incremental" && plan.way == Way::kBatch;
  spec.settle_ms = plan.options.settle_ms;
  spec.pipeline = plan.definition.id;
  spec.correlation_id = plan.correlation_id;
  spec.step_timeout_ms = plan.options.step_timeout_ms;
  return spec;
}

Flow::Flow(const Plan& plan, source::Range range) : plan_(plan), range_(std::move(range)) {}

void Flow::evaluate() {
  if (plan_.way != Way::kWhole) return;
  evaluation_ = std::make_unique<Evaluation>(plan_, nullptr);
  evaluation_->run();
}

Evaluation& Flow::start_evaluation() {
  evaluation_ = std::make_unique<Evaluation>(plan_, nullptr);
  evaluation_->start();
  return *evaluation_;
}

std::unique_ptr<source::PageSource> Flow::make_source(const Feed& feed, const std::vector<std::string>& keys) const {
  source::SqlSourceSpec spec = source_spec(plan_, feed, keys, range_);
  if (feed.origin) {
    source::OriginSpec of_origin = origin_spec(plan_, plan_.paged_step, feed.source.columns);
    if (feed.by_order()) of_origin.page = std::move(spec);
    return feed.origin->open(std::move(of_origin));
  }
  if (plan_.way == Way::kWhole) spec.inputs = evaluation_->relations();
  return std::make_unique<source::SqlSource>(std::move(spec));
}

void Flow::open() {
  for (std::size_t i = 0; i < plan_.feeds.size(); ++i) {
    const std::vector<std::string> keys = plan_.way == Way::kBatch ? std::vector<std::string>() : plan_.sinks[i].keys;
    sources_.push_back(make_source(plan_.feeds[i], keys));
    sources_.back()->open();
    auto page = sources_.back()->make_page(plan_.way == Way::kBatch || plan_.sends());
    page->clear();
    (plan_.way == Way::kBatch ? page_ : inputs_.emplace_back()) = std::move(page);
  }
  if (plan_.way != Way::kBatch) return;
  evaluation_ = std::make_unique<Evaluation>(plan_, page_.get());
  if (plan_.straight) {
    pg::Relation::Watch watch = watch_keys(*page_, plan_.sinks[0]);
    if (plan_.feed().by_order()) watch.position = indexes(*page_, plan_.feed().order);
    watch.sorted_by_key = plan_.sinks[0].key_range;
    page_->watch(watch);
    return;
  }
  for (const SinkPlan& sink : plan_.sinks) {
    auto input = std::make_unique<pg::Relation>(sink.columns, plan_.sends());
    input->watch(watch_keys(*input, sink));
    input->clear();
    inputs_.push_back(std::move(input));
  }
}

void Flow::fetch(const std::optional<pg::Key>& after) {
  if (sources_.size() == 1) sources_[0]->fetch(after);
}

bool Flow::read(const std::optional<pg::Key>& after) {
  bool more = false;
  std::size_t at = 0;
  after_.clear();
  last_.clear();
  for (std::size_t i = 0; i < sources_.size(); ++i) {
    const std::size_t size = plan_.feeds[i].order.size();
    after_.push_back(part_of(after, at, size));
    more = sources_[i]->read(after_[i], page(i)) || more;
    last_.push_back(sources_[i]->reached(page(i)));
    at += size;
  }
  return more;
}

void Flow::run_steps() {
  if (plan_.way != Way::kBatch) return;
  evaluation_->run();
  if (!plan_.straight) fill_inputs();
}

void Flow::fill_inputs() {
  for (std::size_t i = 0; i < plan_.sinks.size(); ++i) {
    if (statements_.size() == i) {
      statements_.push_back(std::make_unique<pg::Statement>(plan_.graph->query(plan_.sinks[i].step, plan_.relations),
                                                            std::vector<unsigned>{}, evaluation_->relations(),
                                                            pg::Planning::kFree));
    }
    inputs_[i]->clear();
    const pg::ReadOnlyScope read_only;
    statements_[i]->read(*inputs_[i]);
  }
}

void Flow::again() {
  for (const auto& source : sources_) source->again();
}

bool Flow::any() {
  for (std::size_t i = 0; i < feeds(); ++i) {
    if (page(i).rows() > 0 || !sources_[i]->bad().empty() || !sources_[i]->files().empty()) return true;
  }
  return false;
}

std::uint64_t Flow::rows_read() {
  std::uint64_t rows = 0;
  for (std::size_t i = 0; i < feeds(); ++i) rows += page(i).rows();
  return rows;
}

std::uint64_t Flow::bytes_read() {
  std::uint64_t bytes = 0;
  for (std::size_t i = 0; i < feeds(); ++i) bytes += page(i).bytes();
  return bytes;
}

std::optional<std::vector<std::string>> Flow::put_aside(std::size_t sink) {
  std::vector<std::string> records;
  bool known = true;
  std::map<std::string, std::optional<bool>> kept;  // by step
  const SinkPlan& target = plan_.sinks[sink];
  const auto add = [&](const std::string& step, const std::string& record) {
    if (!plan_.graph) return;
    const auto [found, is_new] = kept.try_emplace(step);
    if (is_new) found->second = keeps_columns(*plan_.graph, step, target.step, target.keys);
    if (!found->second) return;
    known = known && *found->second;
    records.push_back(record);
  };
  for (const auto& source : sources_) {
    for (const source::BadRecord& bad : source->bad()) add(bad.error.step, bad.record);
  }
  if (evaluation_ != nullptr) {
    for (const source::BadRecord& bad : evaluation_->bad_records()) add(bad.error.step, bad.record);
    for (const Violation& violation : evaluation_->violations()) {
      if (violation.record) add(violation.step, *violation.record);
    }
  }
  return known ? std::optional(records) : std::nullopt;
}

// A position with a null is of a row that was taken out: then it is the last one of those that are left.
std::optional<pg::Key> Flow::reached() {
  bool moved = false;
  pg::Key all;
  for (std::size_t i = 0; i < feeds(); ++i) {
    std::optional<pg::Key> last = last_[i];
    if (last && source::has_null(*last)) last = sources_[i]->reached(page(i));
    moved = moved || last;
    if (!last) last = after_[i];
    if (!last) last = pg::Key(plan_.feeds[i].order.size());
    all.insert(all.end(), last->begin(), last->end());
  }
  return moved ? std::optional(all) : std::nullopt;
}

double Flow::rows_total() {
  double rows = 0;
  for (const auto& source : sources_) rows += source->rows_total();
  return rows;
}

}  // namespace etl::run

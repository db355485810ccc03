#include "run/sinks.hpp"

#include "sink/append_sink.hpp"
#include "sink/elastic_sender.hpp"
#include "sink/function_sink.hpp"
#include "sink/history_sink.hpp"
#include "sink/table_sink.hpp"
#include "source/file_access.hpp"

namespace etl::run {

namespace {

constexpr double kRangeFactor = 4;  // a row met in a range scan costs a quarter of an index probe
constexpr double kRangeRows = 50000;

double target_rows(const SinkPlan& sink) {
  pg::Statement all("SELECT FROM " + sink.table->name, {}, {}, pg::Planning::kFree);
  return all.estimated_rows();
}

// A range scan reads all that the target holds between a batch's first and last key: worth it unless that is much
// more than the source has.
bool range_pays(const SinkPlan& sink, double source_rows) {
  return sink.key_range && target_rows(sink) <= kRangeFactor * source_rows + kRangeRows;
}

}  // namespace

std::unique_ptr<sink::PageSink> make_sink(const Plan& plan, std::size_t index, double source_rows) {
  const SinkPlan& sink = plan.sinks[index];
  if (sink.file) {
    return std::make_unique<sink::FileSink>(*sink.file, source::file_directories(source::FileUse::kWrite),
                                            plan.options.quarantine);
  }
  if (!sink.call.empty()) return std::make_unique<sink::FunctionSink>(sink.call);
  if (sink.write.mode == model::WriteMode::kAppend) return std::make_unique<sink::AppendSink>(sink.upsert);
  if (sink.history) return std::make_unique<sink::HistorySink>(*sink.history);
  const Feed& feed = plan.feeds[plan.way == Way::kBatch ? 0 : index];
  if (!range_pays(sink, source_rows)) return std::make_unique<sink::TableSink>(sink.upsert, sink.keys);
  return std::make_unique<sink::TableSink>(sink.upsert, sink.keys, true, feed.order_types[0]);
}

sink::ElasticSpec elastic_spec(const Plan& plan, const SinkPlan& sink, const std::string& correlation_id) {
  return {*sink.server, sink.object, sink.columns, sink.keys, plan.options, correlation_id};
}

std::unique_ptr<sink::Sender> make_sender(const Plan& plan, std::size_t index, bool goes_on, bool retries) {
  const SinkPlan& sink = plan.sinks[index];
  if (!sink.server) return nullptr;
  if (sink.remote_table) {
    sink::RemoteTable table = *sink.remote_table;
    table.alone = plan.sinks.size() == 1;
    return std::make_unique<sink::PostgresSender>(std::move(table), plan.correlation_id);
  }
  sink::ElasticSpec spec = elastic_spec(plan, sink, plan.correlation_id);
  spec.goes_on = goes_on;
  return std::make_unique<sink::ElasticSender>(std::move(spec), retries);
}

std::unique_ptr<sink::Swap> make_swap(const Plan& plan, std::size_t index, pg::Relation& rows) {
  const SinkPlan& sink = plan.sinks[index];
  if (sink.write.mode != model::WriteMode::kReplace || !sink.table || plan.sinks.size() > 1) return nullptr;
  return std::make_unique<sink::Swap>(sink.upsert, sink.table->oid, sink.table->columns.size(), rows);
}

std::unique_ptr<sink::Sweep> make_sweep(const SinkPlan& sink, pg::Relation& rows) {
  return sink.sweep ? std::make_unique<sink::Sweep>(*sink.sweep, rows, sink.range_type) : nullptr;
}

}  // namespace etl::run

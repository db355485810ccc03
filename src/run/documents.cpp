// Looking at, and replaying into, a remote target: the remote halves of dry_run and replay.
#include "pg/process.hpp"
#include "pg/transaction.hpp"
#include "run/dry_run.hpp"
#include "run/remote_loop.hpp"
#include "run/replay.hpp"
#include "run/table_loop.hpp"

namespace etl::run {

namespace {

// Version 0 would be refused by nobody, but nothing of a dry run is ever sent.
constexpr std::int64_t kShownVersion = 1;

void emit_batch(const sink::Batch& batch, const std::string& number, const Emit& emit) {
  for (const sink::BulkBody& body : batch.bodies) {
    for (const sink::BulkRow& row : body.rows) {
      const std::string lines = body.text->substr(row.begin, row.end - row.begin);
      emit({number, "index", json::Object().add("_id", row.id).str(), std::nullopt, lines.substr(lines.find('\n') + 1),
            lines, std::nullopt, std::nullopt});
    }
  }
  for (const sink::DeadRow& row : batch.dead) {
    emit({number, "error", std::nullopt, std::nullopt, std::nullopt, std::nullopt, row.error.sqlstate,
          row.error.message});
  }
}

}  // namespace

void dry_run_documents(const Plan& plan, const json::Value& arguments, const Emit& emit) {
  Flow flow(plan, {});
  flow.evaluate();
  flow.open();
  tell_violations(flow, "0", emit);
  sink::ElasticSink sink(elastic_spec(plan, "dry run"));
  std::optional<pg::Key> position = resume_position(plan);
  bool more = true;
  for (std::int64_t i = 1; i <= arguments["batches"].GetInt64() && more; ++i) {
    more = flow.read(position);
    if (flow.rows_read() > 0) flow.run_steps();
    if (plan.way == Way::kBatch) tell_violations(flow, std::to_string(i), emit);
    position = flow.reached();
    pg::Relation& rows = flow.input(0);
    if (rows.rows() > 0) emit_batch(sink.encode(rows, kShownVersion), std::to_string(i), emit);
  }
}

void replay_documents(const Plan& plan, pg::Relation& page, const std::string& letters, const Emit& emit) {
  // The letters are read; nothing is held while the network is waited for.
  const std::int64_t version = catalog::next_version(plan.definition.id);
  sink::ElasticSink sink(elastic_spec(plan, "replay"));
  sink::Batch batch = sink.encode(page, version);
  if (!batch.dead.empty()) throw batch.dead.front().error;
  const bool any = page.rows() > 0;
  pg::commit(true);
  if (any) {
    sink.open();
    (void)sink.send(std::move(batch));
    std::optional<sink::Done> done;
    while (!(done = sink.take())) sink.pump(1000);
    if (done->failure) throw *done->failure;
    if (!done->dead.empty()) throw done->dead.front().error;
  }
  pg::begin();
  emit({std::to_string(mark_replayed(plan, letters))});
}

}  // namespace etl::run

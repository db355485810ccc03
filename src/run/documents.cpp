// Replaying into an index, and into a table of another server.
#include "catalog/checkpoints.hpp"
#include "pg/transaction.hpp"
#include "run/replay.hpp"
#include "run/sinks.hpp"
#include "sink/elastic_sink.hpp"

namespace etl::run {

void replay_rows(const Plan& plan, pg::Relation& page, const std::string& letters, const Emit& emit) {
  sink::PostgresSender sender(*plan.sink().remote_table);
  sender.encode(page, 0);
  pg::commit(true);
  sender.write_alone();
  pg::begin();
  emit({std::to_string(mark_replayed(plan, letters))});
}

void replay_documents(const Plan& plan, pg::Relation& page, const std::string& letters, const Emit& emit) {
  // The letters are read; nothing is held while the network is waited for.
  const std::int64_t version = catalog::next_version(plan.definition.id);
  sink::ElasticSink sink(elastic_spec(plan, plan.sink(), "replay"));
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

#include "worker/answer.hpp"

#include "catalog/pipelines.hpp"
#include "core/json.hpp"
#include "pg/exchange.hpp"
#include "pg/role.hpp"
#include "pg/transaction.hpp"
#include "run/inspect.hpp"
#include "run/slices.hpp"

namespace etl::worker {

namespace {

// Messages: 'R' and a JSON array of texts, 'E' and an error as JSON, 'D' for done.
void answer_question(pg::Answerer& exchange, const pg::Task& task) {
  const json::Document question = json::parse(exchange.question(), "a question");
  pg::begin();
  const auto definition = catalog::find_pipeline(task.pipeline);
  pg::commit(false);
  if (!definition || definition->owner != task.role) {
    throw Error("42704", "pipeline " + std::to_string(task.pipeline) + " is not there yet", {},
                "A pipeline made in this transaction is seen after COMMIT.");
  }
  run::inspect(*definition, *json::text_member(question, "kind"), question["arguments"],
               [&](const Row& row) { exchange.send("R" + json::write_texts(row)); });
  exchange.send("D");
}

}  // namespace

std::vector<Row> ask(const Question& question, const model::Definition& definition) {
  if (pg::in_recovery()) {
    throw Error("25006", "cannot ask during recovery",
                "The owner's session is a background worker, which a standby lacks.", "Ask on the primary.");
  }
  pg::Task task;
  task.job = pg::Job::kAnswer;
  task.database = pg::database_id();
  task.role = definition.owner;
  task.pipeline = definition.id;
  const std::string text = json::Object().add("kind", question.kind).add_raw("arguments", question.arguments).str();
  pg::Asker asker(task, text);
  if (!asker.started()) {
    throw Error("53000", "no background worker is free to answer", "All of max_worker_processes are taken.",
                "Try again when a run has ended, or raise max_worker_processes.");
  }
  std::vector<Row> rows;
  while (const auto message = asker.receive()) {
    const char kind = message->front();
    if (kind != 'R') asker.finish();
    if (kind == 'D') return rows;
    if (kind == 'E') throw run::error_from_json(message->substr(1));
    rows.push_back(json::read_texts(json::parse(std::string_view(*message).substr(1), "an answer")));
  }
  throw Error("57P01", "the worker ended before it had answered", {}, "Look into the server's log.");
}

void answer(const pg::Task& task) {
  pg::Answerer exchange(task);
  try {
    answer_question(exchange, task);
  } catch (const Error& error) {
    pg::abort_transaction();
    exchange.send("E" + run::error_to_json(error));
  }
}

}  // namespace etl::worker

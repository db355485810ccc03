// The main of every dynamic worker. The registration says what it is for (pg/process.hpp); its session user is the
// pipeline's owner, or the bootstrap superuser for a keeper.
#include "pg/entry.hpp"
#include "pg/process.hpp"
#include "run/parallel_steps.hpp"
#include "run/pipeline_run.hpp"
#include "worker/answer.hpp"
#include "worker/keeper.hpp"

namespace etl::worker {

static void lead_runs(pg::Task task) {
  run::lead_run(task);
  while (pg::has_lease(task.pipeline, 0)) {  // otherwise the run was another's, or has to wait
    const auto next = start_waiting_runs();
    if (!next) return;
    task = *next;
    pg::renew_session();
    pg::ignore_cancel();  // what came before the lease was given back was meant for the run before
    run::lead_run(task);
  }
}

static void work(std::uintptr_t argument) {
  const pg::Task task = pg::begin_worker(argument);
  switch (task.job) {
    case pg::Job::kKeeper:
      return keep(task);
    case pg::Job::kPipeline:
      return lead_runs(task);
    case pg::Job::kSlice:
      return run::work_on_slice(task);
    case pg::Job::kStep:
      return run::work_on_step(task);
    case pg::Job::kAnswer:
      return answer(task);
  }
}

}  // namespace etl::worker

extern "C" {
PGDLLEXPORT void etl_worker_main(Datum argument);
}

void etl_worker_main(Datum argument) {
  etl::pg::boundary([&] { etl::worker::work(argument); });
  etl::pg::exit_worker(0);
}

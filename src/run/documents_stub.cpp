#include "run/dry_run.hpp"
#include "run/replay.hpp"
namespace etl::run {
void dry_run_documents(const Plan&, const json::Value&, const Emit&) {}
void replay_documents(const Plan&, pg::Relation&, const std::string&, const std::string&, const Emit&) {}
}

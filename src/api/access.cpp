#include "api/access.hpp"

#include "catalog/pipelines.hpp"
#include "catalog/runs.hpp"
#include "pg/process.hpp"
#include "pg/role.hpp"
#include "worker/keeper.hpp"

namespace etl::api {

namespace {

const char* right_name(Right right) {
  switch (right) {
    case Right::kRun:
      return "RUN";
    case Right::kMonitor:
      return "MONITOR";
    default:
      return "ALTER";
  }
}

// A dropped owner's pipelines are a superuser's. To change a pipeline is to act as its owner, so it wants SET ROLE; the
// rest wants his privileges.
bool owns(pg::RoleId role, pg::RoleId owner, Right right) {
  if (!pg::role_exists(owner)) return pg::is_superuser(role);
  return right == Right::kAlter || right == Right::kOwner ? pg::can_become(role, owner) : pg::has_role(role, owner);
}

}  // namespace

bool may(const model::Definition& definition, Right right) {
  const pg::RoleId role = pg::current_role();
  if (owns(role, definition.owner, right)) return true;
  return right != Right::kOwner && catalog::is_granted(definition.id, right_name(right), role);
}

model::Definition check_right(model::Definition definition, Right right) {
  if (may(definition, right)) return definition;
  throw Error("42501", "permission denied for pipeline \"" + definition.name + "\"",
              "It belongs to role \"" + pg::role_name(definition.owner) + "\".",
              right == Right::kOwner ? "Only a role that can SET ROLE to it can do this."
                                     : "The owner can run: SELECT etl.grant_pipeline('" + definition.name + "', '" +
                                           right_name(right) + "', '" + pg::role_name(pg::current_role()) + "');");
}

void on_first_call() {
  static bool done = false;
  if (done) return;
  catalog::check_version();
  worker::ensure_keeper();
  done = true;
}

}  // namespace etl::api

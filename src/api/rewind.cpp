// etl.rewind and etl.accept_target: the checkpoint is moved back, or said to fit, by hand.
//
// A position is kept as texts that a worker reads under the settings of its own session, so what the caller gives is
// brought into that form, whatever his session's is. And it is done as the owner: the types' functions may be his code.
#include "api/open.hpp"
#include "api/request.hpp"
#include "catalog/checkpoints.hpp"
#include "core/json.hpp"
#include "pg/role.hpp"
#include "pg/spi.hpp"
#include "run/rest.hpp"
#include "run/session.hpp"

extern "C" {
#include "utils/timestamp.h"
}

namespace etl::api {

namespace {

// Of an array of values, or of one value for the first. By jsonb, whose numbers keep all their digits.
catalog::Key key_argument(const std::string& to_key) {
  catalog::Key key;
  for (const pg::Row& row : pg::catalog_query(
           "SELECT v #>> '{}' FROM jsonb_array_elements(CASE jsonb_typeof($1::jsonb) WHEN 'array' THEN $1::jsonb"
           " ELSE jsonb_build_array($1::jsonb) END) WITH ORDINALITY AS a (v, n) ORDER BY n",
           {to_key})) {
    key.push_back(row[0]);
  }
  return key;
}

// In ISO form with a numeric offset, whatever the session's DateStyle is.
catalog::Key time_argument(FunctionCallInfo fcinfo, int index) {
  return {std::string(pg::call([&] { return timestamptz_to_str(PG_GETARG_TIMESTAMPTZ(index)); }))};
}

void check_size(catalog::Key& key, std::size_t wanted) {
  if (key.size() == 1 && wanted == 2) key.emplace_back(std::nullopt);
  if (key.size() != wanted) {
    throw Error("22023", "to_key has the wrong number of values",
                "It has " + std::to_string(key.size()) + "; the pipeline's order has " + std::to_string(wanted) + ".",
                "Give a JSON array of one value a key column.");
  }
  if (!key[0])
    throw Error("22023", "the first value of to_key is null", "No row comes after it.",
                "Give the key of the last row that is to stay, or call etl.reset().");
}

// CAST($1 AS the type of the order's column), in the column's collation.
std::string typed(const run::Plan& plan, std::size_t index, const char* parameter) {
  const pg::Column* column = run::find_column(plan.feed().source.columns, plan.feed().order[index]);
  const std::string collation = column->collation == 0 ? "" : " COLLATE " + pg::collation_name(column->collation);
  return "CAST(" + std::string(parameter) + " AS " + pg::type_name(plan.feed().order_types[index], -1) + ")" +
         collation;
}

// The key comes after the position. NULL stands for "after all rows with the values before it".
bool is_after(const run::Plan& plan, const catalog::Key& key, const catalog::Key& position) {
  for (std::size_t i = 0; i < key.size(); ++i) {
    if (!key[i] || !position.at(i)) return !key[i] && position.at(i);
    const std::string one = typed(plan, i, "$1");
    const std::string other = typed(plan, i, "$2");
    const pg::Row row = pg::query_once("SELECT " + one + " " + plan.feed().order_operators[i].greater + " " + other +
                                           ", " + one + " " + plan.feed().order_operators[i].equal + " " + other,
                                       {key[i], position[i]})
                            .at(0);
    if (row[0] == "t") return true;
    if (row[1] != "t") return false;
  }
  return false;
}

[[noreturn]] void refuse_forward(const run::Plan& plan, const catalog::Key& key,
                                 const std::optional<catalog::Key>& place) {
  throw Error("22023", "cannot move the checkpoint of pipeline \"" + plan.definition.name + "\" forward",
              json::write_texts(key) + " comes after " +
                  (place ? "its position " + json::write_texts(*place) : "the start, where it stands") + ".",
              "Give a key up to the position that etl.checkpoints shows. To skip rows, leave them out in the source.");
}

// No slice may leave rows out that it has still to read, and one at least must go back.
void check_back(const run::Plan& plan, const catalog::Key& key, const std::vector<catalog::Checkpoint>& checkpoints) {
  bool back = false;
  std::optional<catalog::Key> place;
  for (const catalog::Checkpoint& checkpoint : checkpoints) {
    place = checkpoint.position ? checkpoint.position : checkpoint.from;
    const bool after = !place || is_after(plan, key, *place);
    if (after && !checkpoint.done) refuse_forward(plan, key, place);
    back = back || !after;
  }
  if (!back) refuse_forward(plan, key, place);
}

// Brings the key into the form of a position.
void check_rewind(const model::Definition& definition, catalog::Key& key,
                  const std::vector<catalog::Checkpoint>& checkpoints) {
  const run::Plan plan = plan_of(definition);
  // What was read already is known in the order of then only.
  for (const catalog::Checkpoint& checkpoint : checkpoints) run::check_position(plan, checkpoint.position_types);
  if (plan.feeds.size() > 1) {
    throw Error("0A000", "a pipeline with several sinks cannot be rewound",
                "Each of its sinks has a position of its own.", "Use etl.reset() to read the source from its start.");
  }
  check_size(key, plan.feed().order.size());
  pg::ActingAs owner(definition.owner, definition.search_path);
  run::pin_formats();
  for (std::size_t i = 0; i < key.size(); ++i) {
    if (!key[i]) continue;
    key[i] = pg::query_once("SELECT CAST($1 AS " + pg::type_name(plan.feed().order_types[i], -1) + ")::text", {key[i]})
                 .at(0)[0];
  }
  check_back(plan, key, checkpoints);
  owner.leave();
}

}  // namespace

ETL_FUNCTION(etl_rewind) {
  return pg::boundary([&]() -> Datum {
    const model::Definition definition = lock_pipeline(fcinfo, 0, Right::kAlter);
    const pg::Text to_key = pg::text_argument(fcinfo, 1);
    if (to_key.has_value() == !PG_ARGISNULL(2))
      throw Error("22023", "give exactly one of to_key and to_time", {},
                  "Write etl.rewind(name, to_key => …) or etl.rewind(name, to_time => …).");
    run::want_at_rest(definition, "rewound");
    const std::vector<catalog::Checkpoint> checkpoints = catalog::read_checkpoints(definition.id);
    if (checkpoints.empty()) {
      throw Error("55000", "pipeline \"" + definition.name + "\" has no checkpoint", {},
                  "It starts at the beginning anyway.");
    }
    if (!to_key && definition.mode != "incremental") {
      throw Error("22023", "to_time is for incremental pipelines", {}, "Use to_key, or etl.reset().");
    }
    catalog::Key key = to_key ? key_argument(*to_key) : time_argument(fcinfo, 2);
    check_rewind(definition, key, checkpoints);
    catalog::move_checkpoint(definition.id, key);
    catalog::write_event(definition.id, std::nullopt, pg::role_name(pg::current_role()),
                         "checkpoint moved to " + json::write_texts(key));
    return static_cast<Datum>(0);
  });
}

ETL_FUNCTION(etl_accept_target) {
  return pg::boundary([&]() -> Datum {
    const model::Definition definition = lock_pipeline(fcinfo, 0, Right::kAlter);
    run::want_at_rest(definition, "told of its target");
    catalog::accept_targets(definition.id);
    catalog::write_event(definition.id, std::nullopt, pg::role_name(pg::current_role()),
                         "the target was said to hold all rows up to the checkpoint");
    return static_cast<Datum>(0);
  });
}

}  // namespace etl::api

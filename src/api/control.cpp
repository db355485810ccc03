// etl.run and its kin: requests that take effect at the caller's COMMIT.
#include "api/open.hpp"
#include "api/request.hpp"
#include "catalog/checkpoints.hpp"
#include "core/json.hpp"
#include "pg/process.hpp"
#include "pg/role.hpp"
#include "run/rest.hpp"
#include "worker/answer.hpp"

extern "C" {
#include "access/xact.h"
}

namespace etl::api {

ETL_FUNCTION(etl_run) {
  return pg::boundary([&]() -> Datum {
    const model::Definition definition = lock_pipeline(fcinfo, 0, Right::kRun);
    return Int64GetDatum(request_run(definition, pg::text_argument(fcinfo, 1).value_or("{}")));
  });
}

// What starts a worker depends on the definition; pause and cancel do not, and wait for nobody who changes it.
static Datum request(FunctionCallInfo fcinfo, model::Call what) {
  const model::Definition definition =
      what == model::Call::resume ? lock_pipeline(fcinfo, 0, Right::kRun) : open_pipeline(fcinfo, 0, Right::kRun);
  return pg::text_result(fcinfo, std::string(model::name(request_call(definition, what).state)));
}

ETL_FUNCTION(etl_pause) {
  return pg::boundary([&]() -> Datum { return request(fcinfo, model::Call::pause); });
}

ETL_FUNCTION(etl_resume) {
  return pg::boundary([&]() -> Datum { return request(fcinfo, model::Call::resume); });
}

ETL_FUNCTION(etl_cancel) {
  return pg::boundary([&]() -> Datum { return request(fcinfo, model::Call::cancel); });
}

ETL_FUNCTION(etl_retry) {
  return pg::boundary([&]() -> Datum {
    const model::Definition definition = lock_pipeline(fcinfo, 0, Right::kRun);
    return Int64GetDatum(request_call(definition, model::Call::retry).run.value_or(0));
  });
}

// The rows go in the owner's session, which is another transaction, so the checkpoint goes there too. Nothing is locked
// here: the worker locks the pipeline.
static void empty_target(const model::Definition& definition) {
  if (pg::call([] { return IsTransactionBlock() || IsSubTransaction(); })) {
    throw Error("25001", "etl.reset() with truncate_target cannot run inside a transaction block", {},
                "Call it outside of BEGIN … COMMIT: ROLLBACK would not bring the rows back.");
  }
  const std::string arguments = json::Object().add("role", pg::role_name(pg::current_role())).str();
  (void)worker::ask({"truncate", definition.id, arguments}, definition);
}

ETL_FUNCTION(etl_reset) {
  return pg::boundary([&]() -> Datum {
    if (pg::bool_argument(fcinfo, 1, false)) {
      empty_target(open_pipeline(fcinfo, 0, Right::kOwner));
    } else {
      const model::Definition definition = lock_pipeline(fcinfo, 0, Right::kAlter);
      run::want_at_rest(definition, "reset");
      run::forget_position(definition, pg::role_name(pg::current_role()));
    }
    return static_cast<Datum>(0);
  });
}

// A position for the pipeline's keys: an array of values, or one value for the first.
static catalog::Key key_argument(const model::Definition& definition, const std::string& text) {
  const json::Document document = json::parse(text, "to_key");
  catalog::Key key;
  if (document.IsArray()) {
    key = json::read_texts(document);
  } else {
    key.emplace_back(document.IsString() ? std::string(json::text(document)) : json::write(document));
  }
  const std::size_t wanted = definition.mode == "incremental"
                                 ? (definition.incremental_key == definition.incremental_id_key ? 1 : 2)
                                 : definition.key_columns.value_or(std::vector<std::string>{""}).size();
  if (key.size() == 1 && wanted == 2) key.emplace_back(std::nullopt);
  if (key.size() != wanted) {
    throw Error("22023", "to_key has the wrong number of values",
                "It has " + std::to_string(key.size()) + "; the pipeline's order has " + std::to_string(wanted) + ".",
                "Give a JSON array of one value a key column.");
  }
  return key;
}

ETL_FUNCTION(etl_rewind) {
  return pg::boundary([&]() -> Datum {
    const model::Definition definition = lock_pipeline(fcinfo, 0, Right::kAlter);
    const pg::Text to_key = pg::text_argument(fcinfo, 1);
    const pg::Text to_time = pg::text_argument(fcinfo, 2);
    if (to_key.has_value() == to_time.has_value()) {
      throw Error("22023", "give exactly one of to_key and to_time");
    }
    run::want_at_rest(definition, "rewound");
    if (catalog::read_checkpoints(definition.id).empty()) {
      throw Error("55000", "pipeline \"" + definition.name + "\" has no checkpoint", {},
                  "It starts at the beginning anyway.");
    }
    if (to_time && definition.mode != "incremental") {
      throw Error("22023", "to_time is for incremental pipelines", {}, "Use to_key, or etl.reset().");
    }
    catalog::Key key =
        to_key ? key_argument(definition, *to_key) : key_argument(definition, json::write_texts({to_time}));
    check_rewind(definition, key);
    catalog::move_checkpoint(definition.id, key);
    catalog::write_event(definition.id, std::nullopt, pg::role_name(pg::current_role()),
                         "checkpoint moved to " + json::write_texts(key));
    return static_cast<Datum>(0);
  });
}

ETL_FUNCTION(etl_dead_letter_replay) {
  return pg::boundary([&]() -> Datum {
    const model::Definition definition = open_pipeline(fcinfo, 0, Right::kOwner);
    const std::string patch = pg::text_argument(fcinfo, 2).value_or("{}");
    if (!json::parse(patch, "patch").IsObject())
      throw Error("22023", "patch must be a JSON object", "It is " + patch + ".");
    const std::string arguments =
        json::Object().add("where_sql", pg::text_argument(fcinfo, 1)).add("patch", patch).str();
    const auto rows = worker::ask({"replay", definition.id, arguments}, definition);
    return Int64GetDatum(std::stoll(rows.at(0).at(0).value_or("0")));
  });
}

ETL_FUNCTION(etl_dead_letter_discard) {
  return pg::boundary([&]() -> Datum {
    on_first_call();
    (void)pg::required_argument(fcinfo, 0, "ids");
    const std::string ids = *pg::text_argument(fcinfo, 0);
    return Int64GetDatum(discard_dead_letters(ids));
  });
}

}  // namespace etl::api

// etl.preview, dry_run, explain, health, version, the state of servers and the state machine's table.
#include <rapidjson/rapidjson.h>

#include "api/open.hpp"
#include "catalog/activity.hpp"
#include "catalog/health.hpp"
#include "core/json.hpp"
#include "http/version.hpp"
#include "model/state.hpp"
#include "pg/gate.hpp"
#include "pg/role.hpp"
#include "pg/spi.hpp"
#include "pg/transaction.hpp"
#include "run/operators.hpp"
#include "run/registered.hpp"
#include "worker/answer.hpp"

extern "C" {
#include "catalog/pg_authid.h"
}

namespace etl::api {

namespace {

// What shows rows of the source needs more than a look at the run.
std::vector<worker::Row> ask(FunctionCallInfo fcinfo, const char* kind, const std::string& arguments, Right right) {
  const model::Definition definition = open_pipeline(fcinfo, 0, right);
  return worker::ask({kind, definition.id, arguments}, definition);
}

long positive_argument(FunctionCallInfo fcinfo, int index, const char* name, long when_null, long most) {
  const long value = pg::long_argument(fcinfo, index, when_null);
  if (value < 1 || value > most) {
    throw Error("22023", std::string(name) + " is out of range", "It is " + std::to_string(value) + ".",
                "Use 1 to " + std::to_string(most) + ".");
  }
  return value;
}

}  // namespace

ETL_FUNCTION(etl_preview) {
  return pg::boundary([&]() -> Datum {
    const long rows = positive_argument(fcinfo, 1, "rows", 10, 10000);
    return pg::rows_result(fcinfo,
                           ask(fcinfo, "preview", json::Object().add_number("rows", rows).str(), Right::kAlter));
  });
}

ETL_FUNCTION(etl_dry_run) {
  return pg::boundary([&]() -> Datum {
    const long batches = positive_argument(fcinfo, 1, "batches", 1, 1000);
    return pg::rows_result(fcinfo,
                           ask(fcinfo, "dry_run", json::Object().add_number("batches", batches).str(), Right::kAlter));
  });
}

ETL_FUNCTION(etl_explain) {
  return pg::boundary([&]() -> Datum {
    const std::string format = pg::text_argument(fcinfo, 2).value_or("text");
    if (format != "text" && format != "json") {
      throw Error("22023", "unknown format \"" + format + "\"", {}, "Use 'text' or 'json'.");
    }
    const bool analyze = pg::bool_argument(fcinfo, 1, false);
    const std::string arguments = json::Object().add_bool("analyze", analyze).add("format", format).str();
    // With a batch that is run and rolled back it is a dry run.
    return pg::rows_result(fcinfo, ask(fcinfo, "explain", arguments, analyze ? Right::kAlter : Right::kMonitor));
  });
}

ETL_FUNCTION(etl_health) {
  return pg::boundary([&]() -> Datum {
    on_first_call();
    const std::string text = catalog::health_json();
    return pg::call([&] { return DirectFunctionCall1(jsonb_in, CStringGetDatum(text.c_str())); });
  });
}

ETL_FUNCTION(etl_version) {
  return pg::boundary([&]() -> Datum {
    const http::Versions linked = http::versions();
    const pg::Rows extension = pg::catalog_query("SELECT extversion FROM pg_extension WHERE extname = 'pg_etl'");
    return pg::rows_result(fcinfo, {{"library", ETL_VERSION},
                                    {"extension", extension.empty() ? std::nullopt : extension[0][0]},
                                    {"postgresql", PG_VERSION},
                                    {"libcurl", linked.libcurl},
                                    {"tls", linked.tls},
                                    {"zlib", linked.zlib},
                                    {"rapidjson", RAPIDJSON_VERSION_STRING}});
  });
}

ETL_FUNCTION(etl_list_operators) {
  return pg::boundary([&]() -> Datum {
    std::vector<std::vector<pg::Text>> rows;
    auto text = [](std::string_view t) { return t.empty() ? std::nullopt : pg::Text(t); };
    run::load_registered();
    for (const model::Operator* op : run::all_operators()) {
      rows.push_back({std::string(op->name), std::string(model::name(op->kind)), std::string(op->params_schema),
                      std::string(op->description), text(op->of_batch), text(op->of_set)});
    }
    return pg::rows_result(fcinfo, rows);
  });
}

ETL_FUNCTION(etl_identity) {
  return pg::boundary([&]() -> Datum {
    return pg::row_result(fcinfo, {pg::system_identifier(), std::to_string(pg::database_id())});
  });
}

ETL_FUNCTION(etl_circuit) {
  return pg::boundary([&]() -> Datum {
    bool usage = false;
    const pg::RoleId role = pg::current_role();
    const auto server = pg::find_server(pg::required_argument(fcinfo, 0, "server"), role, usage);
    if (!server || !(usage || pg::has_role(role, ROLE_PG_MONITOR))) {
      return pg::row_result(fcinfo, std::vector<pg::Text>(6));
    }
    const pg::GateState state = pg::gate_state(server->gate);
    const auto time = [](std::int64_t us) { return us != 0 ? pg::Text(catalog::timestamp_text(us)) : std::nullopt; };
    return pg::row_result(fcinfo,
                          {std::string(name(state.circuit)), std::to_string(state.failures), time(state.opened_us),
                           time(state.next_probe_us), std::to_string(state.in_flight), time(state.throttled_us)});
  });
}

ETL_FUNCTION(etl_state_transitions) {
  return pg::boundary([&]() -> Datum {
    using model::Transition;
    std::vector<std::vector<pg::Text>> rows;
    for (int s = 0; s < model::kStates; ++s) {
      for (int c = 0; c < model::kCalls; ++c) {
        const auto state = static_cast<model::State>(s);
        const auto what = static_cast<model::Call>(c);
        const Transition& t = model::transition(state, what);
        std::string outcome;
        if (t.kind == Transition::Kind::kMove) outcome = "-> " + std::string(model::name(t.to));
        if (t.kind == Transition::Kind::kSame) outcome = "same";
        if (t.kind == Transition::Kind::kRefuse) outcome = std::string(t.sqlstate);
        rows.push_back({std::string(model::name(state)), std::string(model::name(what)),
                        outcome.empty() ? std::nullopt : pg::Text(outcome),
                        t.hint.empty() ? std::nullopt : pg::Text(std::string(t.hint))});
      }
    }
    return pg::rows_result(fcinfo, rows);
  });
}

}  // namespace etl::api

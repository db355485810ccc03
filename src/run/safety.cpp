#include "run/safety.hpp"

#include <algorithm>

#include "catalog/activity.hpp"
#include "core/json.hpp"
#include "core/quote.hpp"
#include "pg/log.hpp"
#include "pg/process.hpp"
#include "pg/spi.hpp"
#include "pg/transaction.hpp"

namespace etl::run {

namespace {

using catalog::Holder;
using catalog::Watermark;

// Between the moment a session takes its transaction's time and the moment others can see it.
constexpr std::int64_t kGuardUs = 500'000;
constexpr long kPollMs = 20;
// How long a transaction may take between its first lock and showing its start: a moment of CPU, when it gets one.
constexpr std::int64_t kShowMs = 200;

constexpr unsigned kTimestamptz = 1184;
constexpr unsigned kTimestamp = 1114;
constexpr unsigned kDate = 1082;

const pg::Column& key_column(const Plan& plan) {
  const pg::Column* column = find_column(plan.feed().source.columns, plan.feed().order[0]);
  if (column == nullptr) throw Error("XX000", "the incremental key is gone");
  return *column;
}

bool is_clock_default(const std::string& expression) {
  return expression == "now()" || expression == "CURRENT_TIMESTAMP" || expression == "statement_timestamp()" ||
         expression == "clock_timestamp()" || expression == "transaction_timestamp()";
}

std::vector<unsigned> tables_of(const Plan& plan) {
  std::vector<unsigned> oids;
  for (const pg::BaseTable& table : plan.feed().source.tables) oids.push_back(table.oid);
  return oids;
}

std::string automatic(const Plan& plan, std::string& reason) {
  const pg::Column& key = key_column(plan);
  pg::Origin origin;
  if (!pg::find_origin(key, origin)) {
    reason = "the incremental key is computed, so nothing is known of the order in which its values become visible";
    return "overlap";
  }
  const std::string column = origin.table + "." + origin.column;
  if (origin.type == kTimestamptz && is_clock_default(origin.default_expression)) {
    reason = column + " is stamped by the writing transaction (DEFAULT " + origin.default_expression + ")";
    return "xact";
  }
  if (origin.ordered_sequence) {
    reason = column + " comes from a sequence that hands out ascending numbers one at a time";
    return "lock";
  }
  reason = column + " is neither a timestamptz with DEFAULT now() nor a number from an ascending sequence with CACHE 1";
  return "overlap";
}

void warn(Plan& plan, const std::string& message, const std::string& hint) {
  plan.warnings.push_back({"safety", "warning", "01000", message, {}, hint});
}

std::string source_as_table(const Plan& plan) {
  return "(" + plan.feed().query + "\n) AS _etl_row";
}

// The largest key that is visible now.
std::optional<std::string> largest_key(const Plan& plan) {
  const std::string key = quote_name(plan.feed().order[0]);
  const pg::Rows rows = pg::query_once("SELECT " + key + " FROM " + source_as_table(plan) + " WHERE " + key +
                                       " IS NOT NULL ORDER BY " + key + " DESC LIMIT 1");
  return rows.empty() ? std::nullopt : rows[0][0];
}

bool any_at_or_above(const Plan& plan, const std::string& mark) {
  const pg::Column& column = key_column(plan);
  return !pg::query_once("SELECT FROM " + source_as_table(plan) + " WHERE " + quote_name(plan.feed().order[0]) + " " +
                             plan.feed().order_operators[0].greater_or_equal +
                             " $1::" + pg::type_name(column.type, -1) + " LIMIT 1",
                         {mark})
              .empty();
}

// Runs `step` in short read-only transactions until it says so or the time is up.
template <class Step>
bool poll(std::int64_t limit_ms, Step step) {
  const std::int64_t end = pg::now_us() + limit_ms * 1000;
  for (;;) {
    pg::begin();
    const bool done = step();
    pg::commit(false);
    if (done) return true;
    if (pg::now_us() >= end) return false;
    pg::sleep_ms(kPollMs);
  }
}

void note_holder(Watermark& watermark, const std::vector<Holder>& holders) {
  watermark.held_by_pid.reset();
  watermark.held_since.reset();
  for (const Holder& holder : holders) {
    if (watermark.held_since && holder.since && *holder.since >= *watermark.held_since) continue;
    watermark.held_by_pid = holder.pid;
    watermark.held_since = holder.since;
  }
}

void open_xact(const Plan& plan, Watermark& watermark, Window& window, std::int64_t requested_us) {
  const std::vector<unsigned> tables = tables_of(plan);
  bool hidden = false;
  auto look = [&] {
    const catalog::Oldest oldest = catalog::oldest_transaction(tables);
    hidden = oldest.unknown;
    const std::int64_t mark = std::min(oldest.start_us, oldest.taken_us - kGuardUs);
    watermark.held_by_pid = oldest.pid;
    watermark.held_since =
        oldest.pid && !oldest.unknown ? std::optional(catalog::timestamp_text(oldest.start_us)) : std::nullopt;
    watermark.frozen_gids = oldest.prepared;
    // A hidden or a prepared transaction may have begun at any time since the mark was stored last.
    const bool known = !oldest.unknown && oldest.prepared.empty();
    if (known) watermark.safe = catalog::timestamp_text(mark);
    if (known && mark >= requested_us) return true;
    return watermark.safe.has_value() && !any_at_or_above(plan, *watermark.safe);
  };
  window.settled = poll(plan.options.settle_ms, look);
  // A run that may not wait must not take a transaction that is just beginning for one that hides its start.
  if (hidden && !window.settled) {
    (void)poll(kShowMs, [&] {
      window.settled = look();
      return window.settled || !hidden;
    });
  }
  if (window.settled) note_holder(watermark, {});
  window.below = watermark.safe;
  window.empty = !watermark.safe;
}

void open_lock(const Plan& plan, Watermark& watermark, Window& window) {
  const std::vector<unsigned> tables = tables_of(plan);
  auto still_there = [&](const std::vector<std::string>& transactions) {
    std::vector<Holder> rest;
    for (const Holder& holder : catalog::write_holders(tables)) {
      // A restart gives a prepared transaction another name: it may be any of those that were noted before.
      const bool recovered = holder.transaction.rfind("-1/", 0) == 0;
      if (recovered || std::find(transactions.begin(), transactions.end(), holder.transaction) != transactions.end()) {
        rest.push_back(holder);
      }
    }
    return rest;
  };
  std::optional<std::string> mark;
  std::vector<std::string> holders;
  (void)poll(0, [&] {
    if (watermark.mark && still_there(watermark.holders).empty()) watermark.safe = watermark.mark;
    mark = largest_key(plan);  // first the mark, then who may still write below it
    for (const Holder& holder : catalog::write_holders(tables)) holders.push_back(holder.transaction);
    return true;
  });
  std::vector<Holder> left;
  window.settled = poll(plan.options.settle_ms, [&] {
    left = still_there(holders);
    return left.empty();
  });
  note_holder(watermark, left);
  if (window.settled) {
    watermark.safe = mark ? mark : watermark.safe;
    watermark.mark.reset();
    watermark.holders.clear();
  } else if (!watermark.mark || watermark.safe == watermark.mark) {
    watermark.mark = mark;
    watermark.holders = holders;
  }
  window.up_to = watermark.safe;
  window.empty = !watermark.safe;
}

// [[ms, key], …]: where the checkpoint stood when earlier runs began. Keeps what the window still needs and returns the
// key to start from.
std::optional<std::string> start_from_history(Watermark& watermark, const std::optional<catalog::Key>& position,
                                              std::int64_t overlap_ms) {
  json::Document document = json::parse(watermark.history, "the history of a watermark");
  std::vector<std::pair<std::int64_t, std::optional<std::string>>> entries;
  for (const auto& item : document.GetArray()) {
    entries.emplace_back(item[0].GetInt64(),
                         item[1].IsNull() ? std::nullopt : std::optional(std::string(json::text(item[1]))));
  }
  const std::int64_t now_ms = pg::now_us() / 1000;
  entries.emplace_back(now_ms, position ? (*position)[0] : std::nullopt);
  std::size_t first = 0;
  for (std::size_t i = 0; i < entries.size(); ++i) {
    if (entries[i].first <= now_ms - overlap_ms) first = i;
  }
  const std::optional<std::string> start = entries[first].second;
  std::string kept;
  for (std::size_t i = first; i < entries.size(); ++i) {
    // One entry a second is enough: an older start only reads a little more again.
    if (i > first && i + 1 < entries.size() && entries[i].first - entries[i - 1].first < 1000) continue;
    kept += (kept.empty() ? "" : ",") + ("[" + std::to_string(entries[i].first) + ",") +
            (entries[i].second ? json::write_texts({entries[i].second}).substr(1) : "null]");
  }
  watermark.history = "[" + kept + "]";
  return start;
}

void open_overlap(const Plan& plan, Watermark& watermark, Window& window, const std::optional<catalog::Key>& position) {
  const pg::Column& key = key_column(plan);
  (void)poll(0, [&] {
    const std::vector<Holder> old = catalog::holders_older_than(tables_of(plan), plan.options.overlap_ms);
    note_holder(watermark, old);
    if (!old.empty()) {
      ++watermark.breaches;
      pg::warn_line("pipeline \"" + plan.definition.name +
                        "\": a transaction has outlived the overlap window, so rows of it may be missed",
                    "Enlarge option \"overlap\", or end the transaction named in etl.lag.",
                    {.correlation_id = {}, .dataset_name = plan.definition.name});
    }
    const bool clock = key.type == kTimestamptz || key.type == kTimestamp || key.type == kDate;
    window.again = !clock || (position && (*position)[0]);
    if (!clock) {
      window.again_from = start_from_history(watermark, position, plan.options.overlap_ms);
    } else if (position && (*position)[0]) {
      window.again_from = pg::query_once("SELECT ($1::" + pg::type_name(key.type, -1) +
                                             " OPERATOR(pg_catalog.-) ($2::pg_catalog.float8 OPERATOR(pg_catalog.*)"
                                             " interval '1 ms'))::" +
                                             pg::type_name(key.type, -1),
                                         {(*position)[0], std::to_string(plan.options.overlap_ms)})
                              .at(0)[0];
    }
    return true;
  });
}

}  // namespace

void choose_safety(Plan& plan) {
  std::string reason;
  const std::string best = automatic(plan, reason);
  plan.safety = plan.options.safety == "auto" ? best : plan.options.safety;
  plan.safety_reason = reason;
  if (plan.feed().origin && plan.safety != "overlap") {
    throw Error("22023", "safety mode \"" + plan.safety + "\" is for sources of this database",
                "Nothing is known here of the transactions of another server.", "Use \"overlap\", or leave it out.");
  }
  if (plan.options.safety == "auto" && best == "overlap") {
    warn(plan, "safety mode \"overlap\" was chosen: " + reason,
         "Rows of a transaction that stays open longer than option \"overlap\" (" +
             std::to_string(plan.options.overlap_ms / 1000) + " s) can be missed.");
  }
  if (plan.options.safety != "auto" && plan.safety != best && plan.safety != "overlap") {
    warn(plan, "safety mode \"" + plan.safety + "\" may lose rows: " + reason,
         "Leave option \"safety\" out, or use \"" + best + "\".");
  }
  if (plan.safety == "xact" && key_column(plan).type != kTimestamptz) {
    throw Error("22023", "safety mode \"xact\" needs an incremental key of type timestamptz",
                "Its type is " + pg::type_name(key_column(plan).type, -1) + ".",
                "Use \"" + best + "\", or leave it out.");
  }
}

Window open_window(const Plan& plan, const std::optional<catalog::Key>& position, std::int64_t requested_us) {
  pg::begin();
  Watermark watermark = catalog::read_watermark(plan.definition.id).value_or(Watermark{});
  pg::commit(false);
  if (watermark.safety != plan.safety) watermark = Watermark{};
  watermark.safety = plan.safety;
  Window window;
  if (plan.safety == "xact") open_xact(plan, watermark, window, requested_us);
  if (plan.safety == "lock") open_lock(plan, watermark, window);
  if (plan.safety == "overlap") open_overlap(plan, watermark, window, position);
  pg::begin();
  catalog::save_watermark(plan.definition.id, watermark);
  pg::commit(true);
  return window;
}

}  // namespace etl::run

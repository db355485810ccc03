#include "catalog/checkpoints.hpp"

#include <algorithm>

#include "core/sqlstate.hpp"
#include "pg/spi.hpp"
#include "pg/transaction.hpp"

namespace etl::catalog {

namespace {

pg::Text key_text(const std::optional<Key>& key) {
  return key ? pg::Text(json::write_texts(*key)) : std::nullopt;
}
std::string number(std::int64_t n) {
  return std::to_string(n);
}

std::string array_of(const std::vector<std::string>& texts) {
  return json::write_texts({texts.begin(), texts.end()});
}

std::vector<std::string> texts(const std::string& array) {
  std::vector<std::string> all;
  for (const auto& text : json::read_texts(json::parse(array, "texts"))) all.push_back(text.value_or(""));
  return all;
}

[[noreturn]] void fenced(std::int64_t pipeline) {
  throw Error(sqlstate::kFenced, "another worker has taken over the pipeline",
              "The lease of pipeline " + number(pipeline) + " is newer than this worker's.",
              "Nothing is to be done: the other worker goes on from the checkpoint.");
}

}  // namespace

void Counters::add(const Counters& o) {
  read += o.read;
  inserted += o.inserted;
  updated += o.updated;
  unchanged += o.unchanged;
  deleted += o.deleted;
  dead += o.dead;
  superseded += o.superseded;
  bytes += o.bytes;
  late += o.late;
}

std::string key_json(const std::optional<Key>& key) {
  return key ? json::write_texts(*key) : "null";
}

std::optional<Key> key_from_json(const std::optional<std::string>& text) {
  if (!text) return std::nullopt;
  return json::read_texts(json::parse(*text, "a position"));
}

std::vector<Checkpoint> read_checkpoints(std::int64_t pipeline) {
  std::vector<Checkpoint> all;
  for (const pg::Row& row : pg::catalog_query(
           "SELECT slice, run_id, kind, position, range_from, range_to, done, batch_no, to_json(position_types),"
           " to_json(targets)"
           " FROM etl.checkpoint"
           " WHERE pipeline_id = $1::bigint ORDER BY slice",
           {number(pipeline)})) {
    Checkpoint c;
    c.slice = std::stoi(*row[0]);
    c.run = std::stoll(*row[1]);
    c.kind = *row[2];
    c.position = key_from_json(row[3]);
    c.from = key_from_json(row[4]);
    c.to = key_from_json(row[5]);
    c.done = *row[6] == "t";
    c.batch_no = std::stoll(*row[7]);
    c.position_types = texts(*row[8]);
    if (row[9]) c.targets = texts(*row[9]);
    all.push_back(c);
  }
  return all;
}

void start_checkpoints(std::int64_t pipeline, std::int64_t run, std::int64_t epoch,
                       const std::vector<Checkpoint>& slices) {
  (void)pg::catalog_query(
      "UPDATE etl.run_log r SET rows_read = c.rows_read, rows_inserted = c.rows_inserted, rows_updated = "
      "c.rows_updated,"
      " rows_unchanged = c.rows_unchanged, rows_deleted = c.rows_deleted, rows_dead = c.rows_dead,"
      " rows_superseded = c.rows_superseded, late_rows = c.late_rows, bytes = c.bytes FROM (SELECT run_id, "
      "sum(rows_read) AS rows_read,"
      " sum(rows_inserted) AS rows_inserted, sum(rows_updated) AS rows_updated, sum(rows_unchanged) AS rows_unchanged,"
      " sum(rows_deleted) AS rows_deleted, sum(rows_dead) AS rows_dead, sum(rows_superseded) AS rows_superseded,"
      " sum(late_rows) AS late_rows, sum(bytes) AS bytes FROM etl.checkpoint WHERE pipeline_id = $1::bigint GROUP BY "
      "run_id) c WHERE r.id = "
      "c.run_id",
      {number(pipeline)});
  (void)pg::catalog_query("DELETE FROM etl.checkpoint WHERE pipeline_id = $1::bigint", {number(pipeline)});
  for (const Checkpoint& c : slices) {
    (void)pg::catalog_query(
        "INSERT INTO etl.checkpoint (pipeline_id, slice, epoch, run_id, kind, position, range_from, range_to,"
        " system_identifier, position_types, targets) VALUES ($1::bigint, $2::int, $3::bigint, $4::bigint, $5,"
        " $6::jsonb, $7::jsonb, $8::jsonb, $9, ARRAY(SELECT json_array_elements_text($10::json)),"
        " CASE WHEN $11::json IS NOT NULL THEN ARRAY(SELECT json_array_elements_text($11::json)) END)",
        {number(pipeline), number(c.slice), number(epoch), number(run), c.kind, key_text(c.position), key_text(c.from),
         key_text(c.to), pg::system_identifier(), array_of(c.position_types),
         c.targets ? pg::Text(array_of(*c.targets)) : std::nullopt});
  }
}

void take_over_checkpoints(std::int64_t pipeline, std::int64_t epoch) {
  (void)pg::catalog_query("UPDATE etl.checkpoint SET epoch = $2::bigint, error = NULL WHERE pipeline_id = $1::bigint",
                          {number(pipeline), number(epoch)});
}

void forget_checkpoints(std::int64_t pipeline) {
  start_checkpoints(pipeline, 0, 0, {});
  (void)pg::catalog_query("DELETE FROM etl.watermark WHERE pipeline_id = $1::bigint", {number(pipeline)});
  (void)pg::catalog_query("DELETE FROM etl.source_file WHERE pipeline_id = $1::bigint", {number(pipeline)});
}

void accept_targets(std::int64_t pipeline) {
  (void)pg::catalog_query("UPDATE etl.checkpoint SET targets = NULL WHERE pipeline_id = $1::bigint",
                          {number(pipeline)});
}

void move_checkpoint(std::int64_t pipeline, const Key& position) {
  (void)pg::catalog_query(
      "UPDATE etl.checkpoint SET position = $2::jsonb, done = false, epoch = 0, updated_at = clock_timestamp()"
      " WHERE pipeline_id = $1::bigint",
      {number(pipeline), json::write_texts(position)});
}

model::State save_batch(const BatchRecord& b) {
  const Counters& c = b.counters;
  const pg::Rows rows = pg::catalog_query(
      "WITH saved AS (UPDATE etl.checkpoint SET position = coalesce($5::jsonb, position), batch_no = $6::bigint,"
      " rows_read = rows_read + $7::bigint, rows_inserted = rows_inserted + $8::bigint,"
      " rows_updated = rows_updated + $9::bigint, rows_unchanged = rows_unchanged + $10::bigint,"
      " rows_deleted = rows_deleted + $11::bigint, rows_dead = rows_dead + $12::bigint,"
      " rows_superseded = rows_superseded + $13::bigint, bytes = bytes + $14::bigint, late_rows = late_rows + "
      "$15::bigint,"
      " done = $16::bool, phase = $17, updated_at = clock_timestamp()"
      " WHERE pipeline_id = $1::bigint AND slice = $2::int AND epoch = $3::bigint RETURNING 1),"
      " logged AS (INSERT INTO etl.batch_log (run_id, slice, batch_no, attempt, started_at, rows_read, rows_written,"
      " rows_dead, bytes, from_position, to_position) SELECT $4::bigint, $2::int, $6::bigint, $18::int,"
      " to_timestamp($19::float8 / 1e6), $7::bigint, $8::bigint + $9::bigint + $11::bigint, $12::bigint, $14::bigint,"
      " $20::jsonb, $5::jsonb FROM saved)"
      " SELECT (SELECT count(*) FROM saved), s.state FROM etl.pipeline_state s WHERE s.pipeline_id = $1::bigint",
      {number(b.pipeline), number(b.slice), number(b.epoch),      number(b.run),        key_text(b.to),
       number(b.batch_no), number(c.read),  number(c.inserted),   number(c.updated),    number(c.unchanged),
       number(c.deleted),  number(c.dead),  number(c.superseded), number(c.bytes),      number(c.late),
       b.done ? "t" : "f", b.phase,         number(b.attempt),    number(b.started_us), key_text(b.from)});
  if (rows.empty() || *rows[0][0] != "1") fenced(b.pipeline);
  return model::state_from(*rows[0][1]);
}

std::string write_record(const BatchRecord& batch, const std::vector<FileState>& files) {
  return json::Object()
      .add_raw("from", key_json(batch.from))
      .add_raw("to", key_json(batch.to))
      .add_number("read", batch.counters.read)
      .add_number("dead", batch.counters.dead)
      .add_number("bytes", batch.counters.bytes)
      .add_raw("files", write_files(files))
      .str();
}

namespace {

std::int64_t kept_number(const json::Value& record, const char* name) {
  const auto found = record.FindMember(name);
  if (found == record.MemberEnd() || !found->value.IsInt64()) {
    throw Error("08P01", "a checkpoint that another server keeps cannot be read",
                "It has no number " + std::string(name) + ".");
  }
  return found->value.GetInt64();
}

std::optional<Key> kept_position(const json::Value& record, const char* name) {
  const auto found = record.FindMember(name);
  if (found == record.MemberEnd() || found->value.IsNull()) return std::nullopt;
  const bool texts = found->value.IsArray() &&
                     std::all_of(found->value.Begin(), found->value.End(),
                                 [](const json::Value& value) { return value.IsString() || value.IsNull(); });
  if (texts) return json::read_texts(found->value);
  throw Error("08P01", "a checkpoint that another server keeps cannot be read",
              "It has no position " + std::string(name) + ".");
}

}  // namespace

bool read_record(const json::Value& record, BatchRecord& batch) {
  if (!record.IsObject()) return false;
  batch.to = kept_position(record, "to");
  batch.counters.read = kept_number(record, "read");
  batch.counters.dead = kept_number(record, "dead");
  batch.counters.bytes = kept_number(record, "bytes");
  return kept_position(record, "from") == batch.from;
}

void finish_slice(std::int64_t pipeline, std::int64_t epoch, int slice) {
  if (pg::catalog_query("UPDATE etl.checkpoint SET done = true, updated_at = clock_timestamp()"
                        " WHERE pipeline_id = $1::bigint AND slice = $2::int AND epoch = $3::bigint RETURNING 1",
                        {number(pipeline), number(slice), number(epoch)})
          .empty()) {
    fenced(pipeline);
  }
}

void fail_slice(std::int64_t pipeline, std::int64_t epoch, int slice, const std::string& error) {
  (void)pg::catalog_query(
      "UPDATE etl.checkpoint SET error = $4::jsonb WHERE pipeline_id = $1::bigint AND slice = $2::int"
      " AND epoch = $3::bigint",
      {number(pipeline), number(slice), number(epoch), error});
}

std::vector<SliceOutcome> read_outcomes(std::int64_t pipeline) {
  std::vector<SliceOutcome> all;
  for (const pg::Row& row : pg::catalog_query_latest("SELECT slice, done, error FROM etl.checkpoint"
                                                     " WHERE pipeline_id = $1::bigint ORDER BY slice",
                                                     {number(pipeline)})) {
    all.push_back({std::stoi(*row[0]), *row[1] == "t", row[2]});
  }
  return all;
}

void set_rows_total(std::int64_t pipeline, int slice, std::int64_t rows, const std::string& phase) {
  (void)pg::catalog_query(
      "UPDATE etl.checkpoint SET rows_total = $3::bigint, phase = $4 WHERE pipeline_id = $1::bigint"
      " AND slice = $2::int",
      {number(pipeline), number(slice), number(rows), phase});
}

std::int64_t reserve_versions(std::int64_t pipeline, std::int64_t epoch, std::int64_t count) {
  const pg::Rows rows = pg::catalog_query(
      "UPDATE etl.pipeline_state SET doc_version = greatest(doc_version + 1,"
      " (extract(epoch FROM clock_timestamp()) * 1e6)::bigint) + $3::bigint - 1 WHERE pipeline_id = $1::bigint"
      " AND epoch = $2::bigint RETURNING doc_version - $3::bigint + 1",
      {number(pipeline), number(epoch), number(count)});
  if (rows.empty()) fenced(pipeline);
  return std::stoll(*rows[0][0]);
}

std::int64_t next_version(std::int64_t pipeline) {
  return std::stoll(*pg::catalog_query("UPDATE etl.pipeline_state SET doc_version = greatest(doc_version + 1,"
                                       " (extract(epoch FROM clock_timestamp()) * 1e6)::bigint) WHERE pipeline_id = "
                                       "$1::bigint RETURNING doc_version",
                                       {number(pipeline)})
                         .at(0)[0]);
}

bool save_dead_letter(std::int64_t pipeline, std::int64_t run, const std::string& step, const DeadLetter& letter) {
  const pg::Rows rows = pg::catalog_query(
      "WITH kept AS (SELECT run_id FROM etl.dead_letter WHERE pipeline_id = $1::bigint AND step = $3"
      " AND md5(original_record::text) = md5($4::json::text) AND copy = $8::int AND status = 'pending')"
      " INSERT INTO etl.dead_letter AS d (pipeline_id, run_id, step, original_record, error_code, error_message, "
      "context, copy)"
      " VALUES ($1::bigint, $2::bigint, $3, $4::json, $5, $6, $7::jsonb, $8::int)"
      " ON CONFLICT (pipeline_id, step, md5(original_record::text), copy) WHERE status = 'pending' DO UPDATE"
      " SET retry_count = d.retry_count + (d.run_id <> excluded.run_id)::int, last_seen = clock_timestamp(), run_id = "
      "excluded.run_id,"
      " error_code = excluded.error_code, error_message = excluded.error_message,"
      " context = excluded.context"
      // A letter that came in between is of another slice of the run.
      " RETURNING d.xmax = 0 OR coalesce((SELECT run_id FROM kept) <> $2::bigint, false)",
      {number(pipeline), number(run), step, letter.record, letter.error_code, letter.error_message, letter.context,
       std::to_string(letter.copy)});
  return *rows.at(0)[0] == "t";
}

std::int64_t count_dead_letters_of_run(std::int64_t pipeline, std::int64_t run) {
  return std::stoll(*pg::catalog_query("SELECT count(*) FROM etl.dead_letter WHERE pipeline_id = $1::bigint"
                                       " AND run_id = $2::bigint AND status = 'pending'",
                                       {number(pipeline), number(run)})
                         .at(0)[0]);
}

std::optional<Watermark> read_watermark(std::int64_t pipeline) {
  const pg::Rows rows = pg::catalog_query(
      "SELECT safety, safe_watermark, mark, to_json(coalesce(mark_holders, '{}')), to_json(coalesce(frozen_gids, "
      "'{}')),"
      " history, held_by_pid, held_since, window_breaches FROM etl.watermark WHERE pipeline_id = $1::bigint",
      {number(pipeline)});
  if (rows.empty()) return std::nullopt;
  const pg::Row& row = rows[0];
  Watermark w;
  w.safety = *row[0];
  w.safe = row[1];
  w.mark = row[2];
  w.holders = texts(*row[3]);
  w.frozen_gids = texts(*row[4]);
  w.history = *row[5];
  if (row[6]) w.held_by_pid = std::stoi(*row[6]);
  w.held_since = row[7];
  w.breaches = std::stoll(*row[8]);
  return w;
}

void save_watermark(std::int64_t pipeline, const Watermark& w) {
  (void)pg::catalog_query(
      "INSERT INTO etl.watermark AS w (pipeline_id, safety, safe_watermark, mark, mark_holders, frozen_gids, history,"
      " held_by_pid, held_since, window_breaches) VALUES ($1::bigint, $2, $3, $4,"
      " ARRAY(SELECT json_array_elements_text($5::json)), ARRAY(SELECT json_array_elements_text($6::json)), $7::jsonb,"
      " $8::int, $9::timestamptz, $10::bigint) ON CONFLICT (pipeline_id) DO UPDATE SET safety = excluded.safety,"
      " safe_watermark = excluded.safe_watermark, mark = excluded.mark, mark_holders = excluded.mark_holders,"
      " frozen_gids = excluded.frozen_gids, history = excluded.history, held_by_pid = excluded.held_by_pid,"
      " held_since = excluded.held_since, window_breaches = excluded.window_breaches, updated_at = clock_timestamp()",
      {number(pipeline), w.safety, w.safe, w.mark, array_of(w.holders), array_of(w.frozen_gids), w.history,
       w.held_by_pid ? pg::Text(number(*w.held_by_pid)) : std::nullopt, w.held_since, number(w.breaches)});
}

}  // namespace etl::catalog

#include "sink/postgres_sender.hpp"

#include <map>
#include <utility>

#include "core/quote.hpp"
#include "core/sqlstate.hpp"
#include "pg/fault.hpp"
#include "pg/transaction.hpp"

namespace etl::sink {

namespace {

using Event = remote::PostgresConnection::Event;

// The batch as it comes, in the types in which it travels.
std::string input_sql(const RemoteTable& table) {
  std::string columns;
  for (const pg::Column& column : table.columns) {
    columns += (columns.empty() ? "" : ", ") + quote_name(column.name) + " " + pg::travel_type(column.type, -1);
  }
  return "SET search_path = pg_catalog, pg_temp; SET statement_timeout = " + std::to_string(table.step_timeout_ms) +
         "; DROP TABLE IF EXISTS pg_temp.input; CREATE TEMP TABLE input (" + columns + ") ON COMMIT DELETE ROWS";
}

std::string checkpoint_sql(const std::string& name) {
  return "CREATE TABLE IF NOT EXISTS " + name +
         " (source text, pipeline bigint, slice int, run uuid NOT NULL, epoch bigint NOT NULL, batch_no bigint NOT "
         "NULL, record text NOT NULL, inserted bigint NOT NULL, updated bigint NOT NULL, superseded bigint NOT NULL, "
         "refused bigint NOT NULL, updated_at timestamptz NOT NULL DEFAULT now(), PRIMARY KEY (source, pipeline, "
         "slice))";
}

std::uint64_t number(const std::string& text) {
  return static_cast<std::uint64_t>(remote::to_number(text));
}

constexpr char kCopy[] = "COPY pg_temp.input FROM STDIN (FORMAT binary)";
// Of rows that are in the target's types as they travel.
std::string copy_sql(const RemoteTable& table) {
  std::string names;
  for (std::size_t i = 0; i < table.columns.size(); ++i) {
    const pg::Column& column = table.columns[i];
    const compile::UpsertColumn& written = table.upsert.columns[i];
    if (!written.cast.empty() || !pg::has_binary_form(column.type)) return {};
    names += (names.empty() ? "" : ", ") + quote_name(written.name);
  }
  return "COPY " + table.upsert.target + " (" + names + ") FROM STDIN (FORMAT binary)";
}

// More than that is not kept in memory.
constexpr std::size_t kMostBytes = std::size_t{1} << 30;

// The same in the types of this database: which rows of a page have one key.
compile::Upsert local_keys(const RemoteTable& table) {
  compile::Upsert upsert = table.upsert;
  upsert.keys_may_merge = false;
  for (compile::UpsertColumn& column : upsert.columns) column.cast.clear();
  return upsert;
}

}  // namespace

std::string write_sql(const RemoteTable& table) {
  const compile::Upsert& upsert = table.upsert;
  const auto written = [](const std::string& insert, const std::string& returning, const std::string& counts) {
    return "WITH _etl_written AS (" + insert + " RETURNING " + returning + ") SELECT " + counts;
  };
  if (table.append) return written(compile::insert_sql(upsert), "1", "count(*), 0 FROM _etl_written");
  std::string insert = compile::on_conflict_sql(upsert);
  if (upsert.keys_may_merge) insert = "WITH input AS (" + compile::last_of_each_key_sql(upsert) + ") " + insert;
  if (table.partitioned) {  // such a row does not come back with its system columns
    return written(
        insert, "1",
        "n, (SELECT count(*) FROM _etl_written) - n FROM (" + compile::count_new_sql(upsert) + ") AS _etl_new(n)");
  }
  // A row that was updated carries the number of the transaction that did.
  return written(insert, "t.xmax::text = '0' AS is_new",
                 "count(*) FILTER (WHERE is_new), count(*) FILTER (WHERE NOT is_new) FROM _etl_written");
}

PostgresSender::PostgresSender(RemoteTable table, const std::string& correlation_id)
    : table_(std::move(table)),
      source_(pg::system_identifier() + "/" + std::to_string(pg::database_id())),
      local_(local_keys(table_)),
      input_sql_(input_sql(table_)),
      write_sql_(write_sql(table_)),
      copy_sql_(copy_sql(table_)),
      connection_(table_.server, correlation_id),
      writer_(table_.columns) {}

void PostgresSender::reopen() {
  clean_ = begun_ = copying_ = false;
  put_ = 0;
  connection_.open();
  (void)connection_.query(input_sql_);
  clean_ = true;
}

void PostgresSender::open() {
  reopen();
  try {
    want_checkpoint();
  } catch (const Error& error) {
    if (error.sqlstate != "42P01") throw;
    try {
      (void)connection_.query(checkpoint_sql(table_.checkpoint));
    } catch (Error& refused) {
      // Another slice's worker, or another pipeline's, may have been quicker.
      if (refused.sqlstate != "23505" && refused.sqlstate != "42P07") {
        refused.hint =
            "Let the role of the user mapping make it, or run there: " + checkpoint_sql(table_.checkpoint) + ";";
        throw refused;
      }
    }
    want_checkpoint();
  }
  choose_way();
}

// COPY knows neither rules nor policies, and no conflict: an empty table is worth the try.
void PostgresSender::choose_way() {
  direct_ = false;
  if (copy_sql_.empty()) return;
  const std::string empty = "NOT EXISTS (SELECT FROM " + table_.upsert.target + ")";
  const auto found =
      connection_.table("SELECT NOT c.relhasrules AND NOT row_security_active(c.oid) AND " +
                            (table_.append ? std::string("true") : empty) +
                            " FROM pg_class c WHERE c.oid = " + quote_literal(table_.upsert.target) + "::regclass",
                        1);
  direct_ = found.size() == 1 && found[0][0] == "t";
}

// Nobody else's code runs when it is written, and nobody else decides what is in it.
void PostgresSender::want_checkpoint() {
  const auto found = connection_.table(
      "SELECT c.relkind = 'r' AND NOT c.relhastriggers AND NOT c.relhasrules AND c.relowner IN (u.oid, t.relowner) "
      "FROM pg_class c JOIN pg_roles u ON u.rolname = current_user JOIN pg_class t ON t.oid = " +
          quote_literal(table_.upsert.target) + "::regclass WHERE c.oid = " + quote_literal(table_.checkpoint) +
          "::regclass",
      1);
  if (found.size() == 1 && found[0][0] == "t") return;
  throw Error("42501", "table " + table_.checkpoint + " of server \"" + table_.server.name + "\" cannot be trusted",
              "It is no ordinary table of the mapping's role or of the target's owner, or has triggers or rules.",
              "Drop it, or let its owner be one of the two.");
}

void PostgresSender::encode(pg::Relation& page, std::int64_t) {
  rows_ = &page;
  if (!table_.append) {
    if (!last_of_key_) last_of_key_ = std::make_unique<LastOfKey>(page, local_);
    rows_ = &last_of_key_->reduce();
  }
  superseded_ = page.rows() - rows_->rows();
  encoded_.clear();
  begin_early();
  writer_.start(*rows_);
  while (writer_.next(encoded_) && encoded_.bytes() <= kMostBytes) {
    if (begun_) put_early();
  }
  if (encoded_.bytes() <= kMostBytes) return;
  throw Error("54000", "a batch for server \"" + table_.server.name + "\" is too large",
              "It has " + std::to_string(encoded_.bytes()) + " bytes, the limit is " + std::to_string(kMostBytes) + ".",
              "Use a smaller batch_size; rows that are appended without key_columns are one batch.");
}

// Where the loop allows it, the transaction there begins without being waited for.
void PostgresSender::begin_early() {
  begun_ = std::exchange(may_begin_, false) && std::exchange(clean_, false);
  if (!begun_) return;
  inserted_ = 0;
  updated_ = 0;
  connection_.send("BEGIN; " + copy_statements());
}

// While the others are encoded, that server has these.
void PostgresSender::put_early() {
  if (!copying_) {
    if (!connection_.takes_copy()) return;
    copying_ = true;
    (void)connection_.offer(pg::BinaryRows::header());  // takes all of it: nothing else is left to send
  }
  put_ += connection_.offer(encoded_.rows().substr(put_));
}

// To the COPY that was sent, behind what it has, and on to the end of what was sent with it.
void PostgresSender::put_rows(std::size_t from, std::size_t until) {
  for (Event event = copying_ ? Event::kCopyIn : connection_.wait(); event != Event::kEnd; event = connection_.wait()) {
    if (event == Event::kRows) continue;
    if (event != Event::kCopyIn) throw connection_.unexpected();
    if (!std::exchange(copying_, false)) connection_.put(pg::BinaryRows::header());
    connection_.put(encoded_.rows(from, until).substr(std::exchange(put_, 0)));
    connection_.put(pg::BinaryRows::trailer());
    connection_.end_put();
    pg::flush_commits();  // while that server is busy
  }
}

std::string PostgresSender::copy_statements() const {
  return direct_ ? copy_sql_ : "TRUNCATE pg_temp.input; " + std::string(kCopy) + "; " + write_sql_;
}

// The rows [from, until), in the transaction that is open there.
void PostgresSender::write(std::size_t from, std::size_t until) {
  connection_.send(copy_statements());
  finish_write(from, until);
}

// The same, to the statements that were sent.
void PostgresSender::finish_write(std::size_t from, std::size_t until) {
  put_rows(from, until);
  if (direct_) {
    inserted_ += connection_.affected();
  } else {
    const pg::Rows counts = connection_.rows();
    if (counts.size() != 1 || counts[0].size() != 2 || !counts[0][0] || !counts[0][1]) throw connection_.unexpected();
    inserted_ += number(*counts[0][0]);
    updated_ += number(*counts[0][1]);
  }
  // A constraint that waits for the COMMIT would refuse all rows then.
  if (table_.quarantine) (void)connection_.query("SET CONSTRAINTS ALL IMMEDIATE");
}

void PostgresSender::begin() {
  if (!clean_) reopen();
  clean_ = false;
  (void)connection_.query("BEGIN");
  inserted_ = 0;
  updated_ = 0;
}

// By halves, each behind a savepoint; rows that fail alone are dead.
void PostgresSender::bisect(std::size_t from, std::size_t until, std::vector<DeadRow>& dead) {
  if (from == until) return;
  (void)connection_.query("SAVEPOINT _etl_rows");
  try {
    write(from, until);
    (void)connection_.query("RELEASE SAVEPOINT _etl_rows");
    return;
  } catch (const Error& error) {
    if (classify(error.sqlstate) != ErrorClass::kData) throw;
    (void)connection_.query("ROLLBACK TO SAVEPOINT _etl_rows; RELEASE SAVEPOINT _etl_rows");
    if (until - from == 1) {
      dead.push_back({from, error, {}});
      if (dead.size() <= static_cast<std::uint64_t>(table_.max_dead_letters)) return;
      throw Error(sqlstate::kTooManyDeadLetters,
                  "server \"" + table_.server.name + "\" refuses more than " + std::to_string(table_.max_dead_letters) +
                      " rows of a batch",
                  "The last one failed with " + error.sqlstate + ": " + error.message,
                  "Mend the source or the target, or raise option \"max_dead_letters\".");
    }
  }
  const std::size_t middle = from + (until - from) / 2;
  bisect(from, middle, dead);
  bisect(middle, until, dead);
}

std::string PostgresSender::identity(const Intent& intent) const {
  return quote_literal(source_) + ", " + std::to_string(table_.pipeline) + ", " + std::to_string(intent.slice);
}

Delivered PostgresSender::save(const Intent& intent, std::vector<DeadRow> dead) {
  const pg::Rows saved = connection_.query(
      "INSERT INTO " + table_.checkpoint +
      " AS c (source, pipeline, slice, run, epoch, batch_no, record, inserted, updated, superseded, refused) VALUES (" +
      identity(intent) + ", " + quote_literal(intent.run) + ", " + std::to_string(intent.epoch) + ", " +
      std::to_string(intent.batch_no) + ", " + quote_literal(intent.record) + ", " + std::to_string(inserted_) + ", " +
      std::to_string(updated_) + ", " + std::to_string(superseded_) + ", " + std::to_string(dead.size()) +
      ") ON CONFLICT (source, pipeline, slice) DO UPDATE SET run = excluded.run, epoch = excluded.epoch, batch_no = "
      "excluded.batch_no, record = excluded.record, inserted = excluded.inserted, updated = excluded.updated, "
      "superseded = excluded.superseded, refused = excluded.refused, updated_at = excluded.updated_at WHERE c.epoch <= "
      "excluded.epoch" +
      (table_.alone ? " AND (c.run <> excluded.run OR c.batch_no < excluded.batch_no)" : "") + " RETURNING 1");
  if (saved.empty()) {
    if (const auto there = last(intent); table_.alone && there && there->batch_no >= intent.batch_no) {
      throw Error("40001", "the batch has arrived in server \"" + table_.server.name + "\" meanwhile");
    }
    throw Error(sqlstate::kFenced, "another worker has taken over the pipeline",
                "The checkpoint in server \"" + table_.server.name + "\" has a newer epoch.");
  }
  return {inserted_, updated_, superseded_, std::move(dead)};
}

Delivered PostgresSender::deliver(const Intent& intent) {
  std::vector<DeadRow> dead;
  const bool begun = std::exchange(begun_, false);
  if (!begun) begin();
  try {
    if (begun) {
      finish_write(0, encoded_.size());
    } else if (encoded_.size() > 0) {
      write(0, encoded_.size());
    }
  } catch (const Error& error) {
    const bool was_direct = std::exchange(direct_, direct_ && table_.append);
    if (classify(error.sqlstate) != ErrorClass::kData || !(was_direct != direct_ || table_.quarantine)) throw;
    (void)connection_.query("ROLLBACK");
    if (was_direct != direct_) return deliver(intent);
    begin();
    bisect(0, encoded_.size(), dead);
  }
  pg::fault_point(8);
  return save(intent, std::move(dead));
}

void PostgresSender::commit() {
  pg::fault_point(9);
  pg::flush_commits();  // that server is never two batches ahead
  (void)connection_.query("COMMIT");
  clean_ = true;
  pg::fault_point(10);
}

std::optional<Sender::Last> PostgresSender::last(const Intent& intent) {
  const auto rows = connection_.table("SELECT batch_no, record, inserted, updated, superseded, refused FROM " +
                                          table_.checkpoint + " WHERE (source, pipeline, slice) = (" +
                                          identity(intent) + ") AND run = " + quote_literal(intent.run),
                                      6);
  if (rows.empty()) return std::nullopt;
  const auto& row = rows[0];
  return Last{remote::to_number(row[0]), row[1], number(row[2]), number(row[3]), number(row[4]), number(row[5])};
}

std::vector<PostgresSender::Image> PostgresSender::try_out() {
  begin();
  const std::string images = table_.append ? "" : compile::images_sql(table_.upsert);
  std::map<std::string, Image> all;
  const auto look = [&](std::optional<std::string> Image::*when) {
    if (images.empty()) return;
    for (const auto& row : connection_.query(images, 2, kMostBytes)) {
      Image& image = all[row[0].value_or("")];
      image.key = row[0].value_or("");
      image.*when = row[1];
    }
  };
  connection_.send(kCopy);
  put_rows(0, encoded_.size());
  look(&Image::before);
  (void)connection_.query(write_sql_);
  look(&Image::after);
  (void)connection_.query("ROLLBACK");
  clean_ = true;
  std::vector<Image> list;
  for (auto& [key, image] : all) list.push_back(std::move(image));
  return list;
}

void PostgresSender::send_alone() {
  begin();
  if (encoded_.size() > 0) write(0, encoded_.size());
  (void)connection_.query("COMMIT");
  clean_ = true;
}

}  // namespace etl::sink

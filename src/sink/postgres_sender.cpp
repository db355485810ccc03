#include "sink/postgres_sender.hpp"

#include <map>

#include "core/quote.hpp"
#include "core/sqlstate.hpp"
#include "pg/analyze.hpp"
#include "pg/fault.hpp"
#include "pg/transaction.hpp"

namespace etl::sink {

namespace {

using Event = remote::PostgresConnection::Event;

// The batch as it comes, in the types in which it travels.
std::string input_sql(const RemoteTable& table) {
  std::string columns;
  for (const pg::Column& column : table.columns) {
    const bool binary = pg::has_binary_form(column.type);
    columns += (columns.empty() ? "" : ", ") + quote_name(column.name) + " " +
               (binary ? pg::type_name(column.type, -1) : "pg_catalog.text");
  }
  return "CREATE TEMP TABLE IF NOT EXISTS input (" + columns + ") ON COMMIT DELETE ROWS";
}

std::string checkpoint_sql(const std::string& name) {
  return "CREATE TABLE IF NOT EXISTS " + name +
         " (source text, pipeline bigint, slice int, run uuid NOT NULL, epoch bigint NOT NULL, batch_no bigint NOT "
         "NULL, record text NOT NULL, inserted bigint NOT NULL, updated bigint NOT NULL, superseded bigint NOT NULL, "
         "refused bigint NOT NULL, updated_at timestamptz NOT NULL DEFAULT now(), PRIMARY KEY (source, pipeline, "
         "slice))";
}

std::uint64_t number(const std::optional<std::string>& text) {
  return std::stoull(text.value_or("0"));
}

// The same in the types of this database: which rows of a page have one key.
compile::Upsert local_keys(const RemoteTable& table) {
  compile::Upsert upsert = table.upsert;
  upsert.keys_may_merge = false;
  for (compile::UpsertColumn& column : upsert.columns) column.cast.clear();
  return upsert;
}

}  // namespace

std::string write_sql(const RemoteTable& table) {
  const std::string insert = table.append ? compile::insert_sql(table.upsert) : compile::on_conflict_sql(table.upsert);
  // A row that was updated carries the number of the transaction that did.
  return "WITH _etl_written AS (" + insert +
         " RETURNING t.xmax::text = '0' AS is_new) SELECT count(*) FILTER (WHERE is_new), count(*) FILTER (WHERE NOT "
         "is_new) FROM _etl_written";
}

PostgresSender::PostgresSender(RemoteTable table)
    : table_(std::move(table)),
      source_(pg::system_identifier() + "/" + std::to_string(pg::database_id())),
      local_(local_keys(table_)),
      input_sql_(input_sql(table_)),
      write_sql_(write_sql(table_)),
      connection_(table_.server) {
  writer_ = std::make_unique<pg::BinaryWriter>(table_.columns);
}

void PostgresSender::reopen() {
  clean_ = false;
  connection_.open();
  (void)connection_.query(input_sql_);
  clean_ = true;
}

void PostgresSender::open() {
  reopen();
  try {
    (void)connection_.query("SELECT FROM " + table_.checkpoint);
  } catch (const Error& error) {
    if (error.sqlstate != "42P01") throw;
    try {
      (void)connection_.query(checkpoint_sql(table_.checkpoint));
    } catch (Error& refused) {
      refused.hint =
          "Let the role of the user mapping make it, or run there: " + checkpoint_sql(table_.checkpoint) + ";";
      throw refused;
    }
  }
}

void PostgresSender::encode(pg::Relation& page, std::int64_t) {
  rows_ = &page;
  if (!table_.append) {
    if (!last_of_key_) last_of_key_ = std::make_unique<LastOfKey>(page, local_);
    rows_ = &last_of_key_->reduce();
  }
  superseded_ = page.rows() - rows_->rows();
  encoded_.clear();
  writer_->write(*rows_, encoded_);
}

// To the COPY that was sent, and on to the end of what was sent with it.
void PostgresSender::put_rows(std::size_t from, std::size_t until) {
  for (Event event = connection_.wait(-1); event != Event::kEnd; event = connection_.wait(-1)) {
    if (event != Event::kCopyIn) continue;
    connection_.put(encoded_.message(from, until));
    connection_.end_put();
  }
}

// The rows [from, until), in the transaction that is open there.
void PostgresSender::write(std::size_t from, std::size_t until) {
  connection_.send("TRUNCATE input; COPY input FROM STDIN (FORMAT binary); " + write_sql_);
  put_rows(from, until);
  inserted_ += number(connection_.rows().at(0).at(0));
  updated_ += number(connection_.rows().at(0).at(1));
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
      return;
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
  const remote::Rows saved = connection_.query(
      "INSERT INTO " + table_.checkpoint +
      " AS c (source, pipeline, slice, run, epoch, batch_no, record, inserted, updated, superseded, refused) VALUES (" +
      identity(intent) + ", " + quote_literal(intent.run) + ", " + std::to_string(intent.epoch) + ", " +
      std::to_string(intent.batch_no) + ", " + quote_literal(intent.record) + ", " + std::to_string(inserted_) + ", " +
      std::to_string(updated_) + ", " + std::to_string(superseded_) + ", " + std::to_string(dead.size()) +
      ") ON CONFLICT (source, pipeline, slice) DO UPDATE SET run = excluded.run, epoch = excluded.epoch, batch_no = "
      "excluded.batch_no, record = excluded.record, inserted = excluded.inserted, updated = excluded.updated, "
      "superseded "
      "= excluded.superseded, refused = excluded.refused, updated_at = excluded.updated_at WHERE c.epoch <= "
      "excluded.epoch RETURNING 1");
  if (saved.empty()) {
    throw Error(sqlstate::kFenced, "another worker has taken over the pipeline",
                "The checkpoint in server \"" + table_.server.name + "\" has a newer epoch.");
  }
  return {inserted_, updated_, superseded_, std::move(dead)};
}

Delivered PostgresSender::deliver(const Intent& intent) {
  std::vector<DeadRow> dead;
  begin();
  try {
    if (encoded_.size() > 0) write(0, encoded_.size());
  } catch (const Error& error) {
    if (!table_.quarantine || classify(error.sqlstate) != ErrorClass::kData) throw;
    (void)connection_.query("ROLLBACK");
    begin();
    bisect(0, encoded_.size(), dead);
  }
  pg::fault_point(8);
  return save(intent, std::move(dead));
}

void PostgresSender::commit() {
  pg::fault_point(9);
  (void)connection_.query("COMMIT");
  clean_ = true;
  pg::fault_point(10);
}

std::optional<Sender::Last> PostgresSender::last(const Intent& intent) {
  const remote::Rows rows = connection_.query("SELECT batch_no, record, inserted, updated, superseded, refused FROM " +
                                              table_.checkpoint + " WHERE (source, pipeline, slice) = (" +
                                              identity(intent) + ") AND run = " + quote_literal(intent.run));
  if (rows.empty()) return std::nullopt;
  Last last;
  last.batch_no = std::stoll(rows[0][0].value_or("0"));
  last.record = rows[0][1].value_or("");
  last.inserted = number(rows[0][2]);
  last.updated = number(rows[0][3]);
  last.superseded = number(rows[0][4]);
  last.refused = number(rows[0][5]);
  return last;
}

std::vector<PostgresSender::Image> PostgresSender::try_out() {
  begin();
  const std::string images = compile::images_sql(table_.upsert);
  std::map<std::string, Image> all;
  const auto look = [&](std::optional<std::string> Image::*when) {
    for (const auto& row : connection_.query(images)) {
      Image& image = all[row[0].value_or("")];
      image.key = row[0].value_or("");
      image.*when = row[1];
    }
  };
  connection_.send("COPY input FROM STDIN (FORMAT binary)");
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

void PostgresSender::write_alone() {
  begin();
  if (encoded_.size() > 0) write(0, encoded_.size());
  (void)connection_.query("COMMIT");
  clean_ = true;
}

}  // namespace etl::sink

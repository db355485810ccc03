// A table of another PostgreSQL server as a sink: rows go over by COPY in binary form, and a batch and its checkpoint
// are one transaction there.
//
//   BEGIN; COPY into a temporary table; one INSERT … ON CONFLICT of it; the checkpoint             there
//          or COPY into the target, where rows are appended, or the target is empty and none is met
//   dead letters, if there are                                                                      here
//   COMMIT                                                                                          there
//   counters, checkpoint                                                                            here
//
// The checkpoint is a row of table pg_etl_checkpoint in the target's schema, written only under an epoch that is not
// older than the one it has. A run that lost its answer reads there whether the batch has arrived: so each row arrives
// exactly once, also where rows are only appended.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "compile/upsert.hpp"
#include "pg/binary_rows.hpp"
#include "remote/postgres_connection.hpp"
#include "sink/last_of_key.hpp"
#include "sink/sender.hpp"

namespace etl::sink {

struct RemoteTable {
  pg::Server server;
  compile::Upsert upsert;  // as that server is to run it
  std::string checkpoint;  // its table there, quoted and qualified
  std::vector<pg::Column> columns;
  std::vector<std::string> keys;
  bool append = false;  // else upsert
  bool partitioned = false;
  // The one sink of its pipeline: no batch arrives twice. Beside others each is sent again until all of them have it.
  bool alone = true;
  bool quarantine = false;
  std::int64_t max_dead_letters = 0;
  std::int64_t pipeline = 0;
  std::int64_t step_timeout_ms = 0;  // of each statement there; 0: none
};

// What writes a batch there.
std::string write_sql(const RemoteTable& table);

class PostgresSender : public Sender {
 public:
  PostgresSender(RemoteTable table, const std::string& correlation_id);  // in a transaction

  void open() override;
  void start() override { may_begin_ = true; }
  void encode(pg::Relation& page, std::int64_t version) override;
  Delivered deliver(const Intent& intent) override;
  void commit() override;
  pg::Relation& rows() override { return *rows_; }
  std::optional<Last> last(const Intent& intent) override;

  // What the rows that were encoded would change there; nothing is kept. key: of the row as JSON, before and after:
  // that row there.
  struct Image {
    std::string key;
    std::optional<std::string> before;
    std::optional<std::string> after;
  };
  std::vector<Image> try_out();
  void send_alone() override;  // without a checkpoint

 private:
  void reopen();
  void want_checkpoint();
  void begin();
  std::string copy_statements() const;
  void put_rows(std::size_t from, std::size_t until);
  void begin_early();
  void put_early();
  void choose_way();
  void write(std::size_t from, std::size_t until);
  void finish_write(std::size_t from, std::size_t until);
  void bisect(std::size_t from, std::size_t until, std::vector<DeadRow>& dead);
  Delivered save(const Intent& intent, std::vector<DeadRow> dead);
  std::string identity(const Intent& intent) const;

  RemoteTable table_;
  std::string source_;  // which database the pipeline is of
  compile::Upsert local_;
  std::string input_sql_;
  std::string write_sql_;
  std::string copy_sql_;  // into the target; empty: what travels are not its columns' types
  bool direct_ = false;   // rows go there
  remote::PostgresConnection connection_;
  pg::BinaryWriter writer_;
  std::unique_ptr<LastOfKey> last_of_key_;
  pg::Relation* rows_ = nullptr;
  pg::BinaryRows encoded_;
  std::uint64_t superseded_ = 0;
  std::uint64_t inserted_ = 0;
  std::uint64_t updated_ = 0;
  bool clean_ = false;      // the connection is between two transactions
  bool may_begin_ = false;  // encode() may send
  bool begun_ = false;      // the transaction and the COPY of the batch that is encoded are under way
  bool copying_ = false;    // that COPY has begun to take rows
  std::size_t put_ = 0;     // bytes of the encoded rows that it has taken
};

}  // namespace etl::sink

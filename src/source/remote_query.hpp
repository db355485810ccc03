// A SELECT of another PostgreSQL server as a source: one COPY in binary form streams its rows, in the order of the
// position, from the position on.
//
// It is read in one snapshot of that server, which lasts as long as the run: only so do rows come as fast as they can
// be written. A resume, and a batch that failed, begin a COPY anew behind the position. Types that only one database
// has travel as text (pg/binary_rows.hpp).
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "pg/binary_rows.hpp"
#include "remote/postgres_connection.hpp"
#include "source/origin.hpp"

namespace etl::source {

class RemoteQuery : public Origin {
 public:
  RemoteQuery(std::string server, std::string query);

  std::vector<RecordColumn> columns() const override;
  bool has_order() const override { return true; }
  std::vector<std::string> position_types() const override { return {}; }
  const char* checkpoint_kind() const override { return "key"; }
  std::unique_ptr<RecordPages> open(OriginSpec spec) const override;
  std::optional<pg::Server> server() const override;

 private:
  std::string server_;
  std::string query_;
};

// An origin of the step's params when they name a server; nullptr: they name none.
std::shared_ptr<const Origin> remote_query(const json::Value& params, const std::string& query);

class RemotePages : public RecordPages {
 public:
  RemotePages(pg::Server server, const std::string& query, OriginSpec spec);

  void open() override {}
  std::unique_ptr<pg::Relation> make_page(bool keep) const override;
  void fetch(const std::optional<pg::Key>& after) override;
  bool read(const std::optional<pg::Key>& after, pg::Relation& page) override;
  void read_all(pg::Relation& out) override;
  void again() override { end(); }
  const std::vector<BadRecord>& bad() const override { return no_records_; }
  const std::vector<catalog::FileState>& files() const override { return no_files_; }
  bool hides_null_keys(bool from_start) const override;
  void read_null_keys(pg::Relation& page) override;
  double rows_total() override { return 0; }  // is not known before it is read
  const char* phase() const override { return "streamed"; }
  std::string description() const override;
  std::string way() const override;
  std::vector<std::string> explain() override;

 private:
  std::string page_query(const std::optional<pg::Key>& after) const;
  void start(const std::string& query);
  void end();
  bool next_row(const pg::Relation& shape);

  pg::Server server_;
  OriginSpec spec_;
  std::vector<BadRecord> no_records_;
  std::vector<catalog::FileState> no_files_;
  std::vector<std::string> order_types_;
  remote::PostgresConnection connection_;
  std::unique_ptr<pg::BinaryReader> reader_;
  std::optional<remote::PostgresConnection::Message> fetched_;  // the first message, waited for
  bool streaming_ = false;
  bool has_row_ = false;  // the reader holds one that is in no page
};

}  // namespace etl::source

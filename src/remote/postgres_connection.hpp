// A connection to another PostgreSQL server, over libpq: never blocks but in a name lookup, waits on the latch, and
// turns what the server reports into our errors.
//
// What goes over it: the user mapping's user and password and nothing else of this machine (no .pgpass, service file or
// PG* variable). Unless the role is a superuser, or one has set password_required 'false' in its mapping, the server
// must have asked for the password: else a role would come in by what this server's operating system user may.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/error.hpp"
#include "pg/server.hpp"
#include "pg/spi.hpp"
#include "remote/latch_waiter.hpp"

struct pg_conn;
struct pg_result;

namespace etl::remote {

// A whole number that a server sent. Error 08P01 when it is none.
std::int64_t to_number(const std::string& text);

class PostgresConnection {
 public:
  static constexpr std::size_t kMostBytes = std::size_t{16} << 20;  // of the rows of a statement

  // In a transaction; all else needs none. correlation_id: of the run, seen there in application_name.
  explicit PostgresConnection(pg::Server server, std::string correlation_id = {});
  // Gives up what is under way: the server ends it within a second (client_connection_check_interval), if it is 14 or
  // newer.
  ~PostgresConnection();
  PostgresConnection(const PostgresConnection&) = delete;
  PostgresConnection& operator=(const PostgresConnection&) = delete;

  // Connects within 10 s. Errors: 08001; 42501 for an address that etl.allowed_hosts does not permit, or a password
  // that was not asked for; what the server says.
  void open();
  void close();
  int server_version() const;  // as 150004

  // Runs statements, and waits. The rows of the last one, which have so many columns (0: what they have). An error
  // leaves the connection usable, unless its class is 08; 08P01 when the server does not answer what it was asked.
  // 54000 when the rows have more than most_bytes: the server is not trusted to end them.
  pg::Rows query(const std::string& sql, std::size_t columns = 0, std::size_t most_bytes = kMostBytes);
  // The same, where no value may be NULL.
  std::vector<std::vector<std::string>> table(const std::string& sql, std::size_t columns);

  // The same in parts: results come one after the other, each by wait().
  enum class Event {
    kRows,     // of one statement: rows()
    kCopyIn,   // the server takes put()
    kCopyOut,  // the server sends: read()
    kEnd,      // of the last statement
  };
  void send(const std::string& sql, std::size_t most_bytes = kMostBytes);
  Event wait();
  const pg::Rows& rows() const { return rows_; }
  std::uint64_t affected() const { return affected_; }  // rows, by the last statement that says so
  struct Field {
    std::string name;
    unsigned type = 0;
    int typmod = -1;
  };
  const std::vector<Field>& fields() const { return fields_; }  // of the rows
  void put(std::string_view data);
  void end_put();
  // Without waiting: whether wait() has come to kCopyIn; how much of the data was taken, from its beginning.
  bool takes_copy();
  std::size_t offer(std::string_view data);

  // The next message of COPY TO STDOUT, with a byte to spare behind it; empty: there is no more. Waits.
  struct Message {
    std::unique_ptr<char, void (*)(void*)> bytes;
    std::size_t size = 0;
  };
  Message read();

  // Errors in the words of this file: the connection is gone; the server answered something else, and is left.
  Error broken() const;
  Error unexpected();

 private:
  struct Attempt;  // to connect
  void log_in();
  void connect(const std::vector<std::pair<std::string, std::string>>& parameters);
  int time_left() const;  // ms; -1: there is no end. Throws 08001 when it is over.
  void check_password() const;
  void await(bool writable);
  std::optional<Event> take(pg_result* result);
  void keep_rows(const pg_result* result);
  void keep_row(const pg_result* result, int row);
  void drain();
  bool flush();
  Error error_of(const pg_result* result) const;

  pg::Server server_;
  std::string correlation_id_;
  bool trusted_;  // need not be asked for a password
  LatchWaiter waiter_;
  std::chrono::milliseconds patience_{0};
  std::optional<std::chrono::steady_clock::time_point> until_;  // of open()
  pg_conn* connection_ = nullptr;
  bool unsent_ = false;  // libpq holds bytes for the server
  pg::Rows rows_;
  bool rows_follow_ = false;  // of the statement whose rows these are
  std::size_t bytes_ = 0;     // that they take, about
  std::size_t most_bytes_ = kMostBytes;
  std::uint64_t affected_ = 0;
  std::vector<Field> fields_;
};

}  // namespace etl::remote

#include "remote/postgres_connection.hpp"

#include <libpq-fe.h>

#include <algorithm>
#include <charconv>
#include <chrono>
#include <limits>
#include <memory>
#include <utility>

#include "core/printable.hpp"
#include "core/server_limits.hpp"
#include "http/policy.hpp"
#include "http/secret.hpp"
#include "pg/binary_rows.hpp"
#include "pg/process.hpp"
#include "pg/role.hpp"
#include "pg/settings.hpp"
#include "remote/host_lookup.hpp"
#include "remote/named_server.hpp"
#include "remote/off_thread.hpp"
#include "remote/postgres_url.hpp"

namespace etl::remote {

namespace {

using Parameters = std::vector<std::pair<std::string, std::string>>;

constexpr std::chrono::seconds kConnectTimeout{10};
constexpr int kAnswerTimeoutMs = 30'000;  // what was sent and not confirmed
constexpr char kNoFile[] = "/dev/null/none";
constexpr char kSystemCertificates[] = "/etc/ssl/certs/ca-certificates.crt";

// The styles of the role there do not decide what our SQL means, nor do those of this session: a user's SQL was checked
// with standard strings (pg/analyze.cpp). A server that lost us ends by itself what it still
// does for us.
constexpr char kSession[] =
    "SET DateStyle = ISO; SET IntervalStyle = iso_8601; SET extra_float_digits = 1; SET client_min_messages = error; "
    "SET idle_in_transaction_session_timeout = '10min'; SET standard_conforming_strings = on";
constexpr char kCheckClient[] = "SET client_connection_check_interval = '1s'";  // since 14

std::string quoted(const pg::Server& server) {
  return "server \"" + server.name + "\"";
}

// Where and how to connect. An address that is listed may be reached without a certificate, as over plain http.
struct Route {
  std::string hosts;
  std::string addresses;
  std::string sslmode;
};

Route find_route(const pg::Server& server, const PostgresUrl& url, http::Waiter& waiter, Clock::time_point until) {
  const http::AddressPolicy policy = http::AddressPolicy::parse(pg::allowed_hosts());
  const std::string host = url.host.find(':') != std::string::npos ? "[" + url.host + "]" : url.host;
  const std::vector<http::Address> found = look_up(url.host, waiter, until);
  const bool listed = std::all_of(found.begin(), found.end(), [&](const http::Address& address) {
    return policy.allows(address, host, url.port, false);
  });
  Route route;
  const bool verifies = !listed || !option(server.options, "ca_file").empty();
  route.sslmode = !url.sslmode.empty() ? url.sslmode : verifies ? "verify-full" : "prefer";
  for (const http::Address& address : found) {
    if (!policy.allows(address, host, url.port, route.sslmode == "verify-full")) continue;
    route.hosts += (route.hosts.empty() ? "" : ",") + url.host;
    route.addresses += (route.addresses.empty() ? "" : ",") + http::to_text(address);
  }
  if (!route.hosts.empty()) return route;
  throw Error("42501", "connection to " + quoted(server) + " is not allowed",
              "The host leads to an internal address, or its certificate would not be verified in full.",
              "Ask a superuser to list the host or its network in etl.allowed_hosts.");
}

}  // namespace

PostgresConnection::PostgresConnection(pg::Server server, std::string correlation_id)
    : server_(std::move(server)),
      correlation_id_(std::move(correlation_id)),
      trusted_(pg::is_superuser(pg::current_role()) || option(server_.user, "password_required") == "false") {}

PostgresConnection::~PostgresConnection() {
  close();
}

void PostgresConnection::close() {
  PQfinish(std::exchange(connection_, nullptr));
  unsent_ = false;
}

int PostgresConnection::server_version() const {
  return PQserverVersion(connection_);
}

// Until all is settled with the server the option counts, then nothing: each statement has a time of its own.
void PostgresConnection::open() {
  patience_ = parse_server_limits(server_.options).connect_timeout.value_or(kConnectTimeout);
  until_ = Clock::now() + patience_;
  log_in();
  (void)query(kSession);
  if (server_version() >= 140000) (void)query(kCheckClient);
  until_.reset();
}

int PostgresConnection::time_left() const {
  if (!until_) return -1;
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(*until_ - Clock::now()).count();
  if (left > 0) return static_cast<int>(std::min<long>(left, std::numeric_limits<int>::max()));
  throw Error("08001", "timeout when connecting to " + quoted(server_),
              std::to_string(patience_.count()) + " ms have passed.");
}

void PostgresConnection::log_in() {
  const PostgresUrl url = parse_postgres_url(option(server_.options, "url"));
  const std::string certificates = ca_file(server_);
  const Route route = find_route(server_, url, waiter_, *until_);
  const std::string user = option(server_.user, "user");
  const std::string password_file = option(server_.user, "password_file");
  if (user.empty()) {
    throw Error("22023", "no user mapping of " + quoted(server_) + " names a user", {},
                "Run: CREATE USER MAPPING FOR … SERVER … OPTIONS (user '…', password_file '…');");
  }
  if (password_file.empty() && !trusted_) {
    throw Error("42501", "the user mapping of " + quoted(server_) + " names no password_file",
                "Without one, a role would come in by what this machine's operating system user may.",
                "Add option password_file, or let a superuser set password_required 'false'.");
  }
  std::string password = password_file.empty() ? "" : pg::read_secret(password_file, url.text);
  Parameters parameters = {{"password", password},
                           {"host", route.hosts},
                           {"hostaddr", route.addresses},
                           {"port", std::to_string(url.port)},
                           {"dbname", url.database},
                           {"user", user},
                           {"passfile", kNoFile},
                           {"sslmode", route.sslmode},
                           {"sslrootcert", certificates.empty() ? kSystemCertificates : certificates},
                           {"sslcert", kNoFile},
                           {"sslkey", kNoFile},
                           {"gssencmode", "disable"},
                           {"target_session_attrs", "any"},
                           {"options", " "},
                           {"application_name", "pg_etl" + (correlation_id_.empty() ? "" : ": " + correlation_id_)},
                           {"client_encoding", pg::database_encoding()},
                           {"keepalives_idle", "10"},
                           {"keepalives_interval", "5"},
                           {"keepalives_count", "3"},
                           {"tcp_user_timeout", std::to_string(kAnswerTimeoutMs)}};
  http::wipe(password);
  connect(parameters);
  http::wipe(parameters.front().second);
  check_password();
}

// A connection on its way; also that of a thread that was left (off_thread.hpp).
struct PostgresConnection::Attempt {
  PGconn* connection;
  PostgresPollingStatusType wanted = PGRES_POLLING_WRITING;

  explicit Attempt(PGconn* made) : connection(made) {}
  Attempt(const Attempt&) = delete;
  Attempt& operator=(const Attempt&) = delete;
  ~Attempt() { PQfinish(connection); }
};

void PostgresConnection::connect(const Parameters& parameters) {
  std::vector<const char*> names;
  std::vector<const char*> values;
  for (const auto& [name, value] : parameters) {
    names.push_back(name.c_str());
    values.push_back(value.c_str());
  }
  names.push_back(nullptr);
  values.push_back(nullptr);
  close();
  const auto attempt = std::make_shared<Attempt>(PQconnectStartParams(names.data(), values.data(), 0));
  if (attempt->connection == nullptr) throw std::bad_alloc();
  PQsetNoticeProcessor(
      attempt->connection, [](void*, const char*) {}, nullptr);  // not into this server's log
  if (PQstatus(attempt->connection) == CONNECTION_BAD) attempt->wanted = PGRES_POLLING_FAILED;
  while (attempt->wanted == PGRES_POLLING_READING || attempt->wanted == PGRES_POLLING_WRITING) {
    const bool reads = attempt->wanted == PGRES_POLLING_READING;
    (void)waiter_.wait({{PQsocket(attempt->connection), reads, !reads}}, time_left());
    // The server says how often the password is hashed for SCRAM, which may take hours.
    const auto poll = [attempt] { attempt->wanted = PQconnectPoll(attempt->connection); };
    if (!run_off_thread(poll, waiter_, *until_)) (void)time_left();
  }
  connection_ = std::exchange(attempt->connection, nullptr);
  if (attempt->wanted != PGRES_POLLING_OK) throw broken();
  (void)PQsetnonblocking(connection_, 1);
}

void PostgresConnection::check_password() const {
  if (trusted_ || PQconnectionUsedPassword(connection_) != 0) return;
  throw Error("42501", quoted(server_) + " did not ask for the password of the user mapping",
              "So it would let in whoever runs on this machine.",
              "Let it demand one (pg_hba.conf), or a superuser set password_required 'false' in the user mapping.");
}

Error PostgresConnection::broken() const {
  const bool connected = connection_ != nullptr && PQstatus(connection_) == CONNECTION_OK;
  const char* said = connection_ != nullptr ? PQerrorMessage(connection_) : "";
  std::string detail = printable(said, 500);
  if (!detail.empty() && detail.back() != '.') detail += '.';
  return Error(connected ? "08006" : "08001",
               (connected ? "connection broke in the exchange with " : "could not connect to ") + quoted(server_),
               detail, connected ? "" : "Check url, ca_file and the user mapping of the server.");
}

Error PostgresConnection::error_of(const pg_result* result) const {
  const auto field = [&](int code) {
    const char* text = PQresultErrorField(result, code);
    return text != nullptr ? printable(text, 1000) : std::string();
  };
  std::string state = field(PG_DIAG_SQLSTATE);
  if (state.empty()) return broken();
  std::string detail = field(PG_DIAG_MESSAGE_DETAIL);
  const auto usual = [](char c) { return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z'); };
  if (state.size() != 5 || !std::all_of(state.begin(), state.end(), usual) || state.starts_with("PE")) {
    state = "08P01";
  } else if (state.starts_with("57") || state == "25P03") {  // it was stopped: to us, a connection that broke
    detail += (detail.empty() ? "" : " ") + ("The server reported " + state + ".");
    state = "08006";
  }
  Error error(state, quoted(server_) + ": " + field(PG_DIAG_MESSAGE_PRIMARY), detail, field(PG_DIAG_MESSAGE_HINT));
  error.constraint = field(PG_DIAG_CONSTRAINT_NAME);
  error.column = field(PG_DIAG_COLUMN_NAME);
  return error;
}

// Sleeps until the server has said something, or takes what is left to send.
void PostgresConnection::await(bool writable) {
  const auto ready = waiter_.wait({{PQsocket(connection_), true, writable}}, time_left());
  for (const http::Socket& socket : ready) {
    if (socket.readable && PQconsumeInput(connection_) == 0) throw broken();
  }
  while (PGnotify* notification = PQnotifies(connection_)) PQfreemem(notification);
}

// True: something is left to send.
bool PostgresConnection::flush() {
  const int flushed = PQflush(connection_);
  if (flushed < 0) throw broken();
  return flushed > 0;
}

void PostgresConnection::send(const std::string& sql, std::size_t most_bytes) {
  if (connection_ == nullptr || PQsendQuery(connection_, sql.c_str()) == 0) throw broken();
  (void)PQsetSingleRowMode(connection_);  // so that libpq does not gather more than we would take
  most_bytes_ = most_bytes;
  rows_follow_ = false;
  unsent_ = true;
}

PostgresConnection::Event PostgresConnection::wait() {
  for (;;) {
    pg::check_interrupts();
    if (unsent_) unsent_ = flush();
    if (PQisBusy(connection_) != 0) {
      await(unsent_);
    } else if (const auto event = take(PQgetResult(connection_))) {
      return *event;
    }
  }
}

// Nothing: a row that others follow.
std::optional<PostgresConnection::Event> PostgresConnection::take(pg_result* result) {
  const std::unique_ptr<PGresult, decltype(&PQclear)> owner(result, &PQclear);
  if (result == nullptr) return Event::kEnd;
  switch (PQresultStatus(result)) {
    case PGRES_COPY_IN:
      return Event::kCopyIn;
    case PGRES_COPY_OUT:
      return Event::kCopyOut;
    case PGRES_SINGLE_TUPLE:
      keep_rows(result);
      rows_follow_ = true;
      return std::nullopt;
    case PGRES_COMMAND_OK:
    case PGRES_TUPLES_OK:
    case PGRES_EMPTY_QUERY:
      break;
    default: {
      Error error = error_of(result);
      drain();
      throw error;
    }
  }
  keep_rows(result);
  rows_follow_ = false;
  if (const std::string affected = PQcmdTuples(owner.get()); !affected.empty()) {
    affected_ = static_cast<std::uint64_t>(to_number(affected));
  }
  return Event::kRows;
}

// What follows an error, up to the end of what was sent. A server that is gone meanwhile has told why.
void PostgresConnection::drain() {
  constexpr int kMostResults = 100;
  for (int i = 0; i < kMostResults; ++i) {
    while (PQisBusy(connection_) != 0) {
      (void)waiter_.wait({{PQsocket(connection_), true, false}}, -1);
      if (PQconsumeInput(connection_) == 0) return close();
    }
    const std::unique_ptr<PGresult, decltype(&PQclear)> result(PQgetResult(connection_), &PQclear);
    if (!result) return;
  }
  close();
}

Error PostgresConnection::unexpected() {
  close();
  return Error("08P01", quoted(server_) + " did not answer what it was asked", {},
               "Check that its url is that of a PostgreSQL server.");
}

void PostgresConnection::keep_rows(const pg_result* result) {
  if (!rows_follow_) {
    rows_.clear();
    fields_.clear();
    bytes_ = 0;
    for (int i = 0; i < PQnfields(result); ++i) {
      fields_.push_back({PQfname(result, i), PQftype(result, i), PQfmod(result, i)});
      if (!pg::is_valid_text(fields_.back().name)) throw unexpected();
    }
  }
  for (int row = 0; row < PQntuples(result); ++row) keep_row(result, row);
}

void PostgresConnection::keep_row(const pg_result* result, int row) {
  auto& values = rows_.emplace_back();
  bytes_ += sizeof values;
  for (int i = 0; i < PQnfields(result); ++i) {
    auto& value = values.emplace_back();
    bytes_ += sizeof value + static_cast<std::size_t>(PQgetlength(result, row, i));
    if (bytes_ > most_bytes_) break;
    if (PQgetisnull(result, row, i) == 0) value = PQgetvalue(result, row, i);
    if (value && !pg::is_valid_text(*value)) throw unexpected();
  }
  if (bytes_ <= most_bytes_) return;
  rows_.clear();
  close();  // whatever else it sends
  throw Error("54000", "a reply of " + quoted(server_) + " is too long",
              "The rows of a statement have more than " + std::to_string(most_bytes_) + " bytes.",
              "Check that its url is that of a PostgreSQL server that can be trusted.");
}

pg::Rows PostgresConnection::query(const std::string& sql, std::size_t columns, std::size_t most_bytes) {
  send(sql, most_bytes);
  for (Event event = wait(); event != Event::kEnd; event = wait()) {
    if (event != Event::kRows) throw unexpected();
  }
  if (columns > 0 && fields_.size() != columns) throw unexpected();
  return std::move(rows_);
}

std::vector<std::vector<std::string>> PostgresConnection::table(const std::string& sql, std::size_t columns) {
  std::vector<std::vector<std::string>> all;
  for (const auto& row : query(sql, columns)) {
    std::vector<std::string>& texts = all.emplace_back();
    for (const auto& value : row) {
      if (!value) throw unexpected();
      texts.push_back(*value);
    }
  }
  return all;
}

std::int64_t to_number(const std::string& text) {
  std::int64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error == std::errc() && end == text.data() + text.size()) return number;
  throw Error("08P01", "another server sent \"" + printable(text, 100) + "\" where a number was expected");
}

// A piece of it, since libpq's lengths are int and it keeps what it cannot send.
std::size_t PostgresConnection::offer(std::string_view data) {
  constexpr std::size_t kPiece = 1 << 20;
  if (unsent_) unsent_ = flush();
  if (unsent_) return 0;
  const std::size_t size = std::min(data.size(), kPiece);
  if (PQputCopyData(connection_, data.data(), static_cast<int>(size)) != 1) throw broken();
  unsent_ = flush();
  return size;
}

void PostgresConnection::put(std::string_view data) {
  while (!data.empty()) {
    data.remove_prefix(offer(data));
    if (unsent_) await(true);
  }
}

bool PostgresConnection::takes_copy() {
  if (unsent_) unsent_ = flush();
  if (unsent_) return false;
  if (PQconsumeInput(connection_) == 0) throw broken();
  while (PQisBusy(connection_) == 0) {
    const auto event = take(PQgetResult(connection_));
    if (event == Event::kCopyIn) return true;
    if (event != Event::kRows) throw unexpected();
  }
  return false;
}

void PostgresConnection::end_put() {
  if (PQputCopyEnd(connection_, nullptr) != 1) throw broken();
  unsent_ = true;
}

PostgresConnection::Message PostgresConnection::read() {
  for (;;) {
    char* bytes = nullptr;
    const int size = PQgetCopyData(connection_, &bytes, 1);
    if (size > 0) return {{bytes, &PQfreemem}, static_cast<std::size_t>(size)};
    if (size == -1) break;
    if (size == -2) throw broken();
    await(false);
  }
  for (Event event = wait(); event != Event::kEnd; event = wait()) {
    if (event != Event::kRows) throw unexpected();
  }
  return {{nullptr, &PQfreemem}, 0};
}

}  // namespace etl::remote

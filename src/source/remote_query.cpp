#include "source/remote_query.hpp"

#include "core/quote.hpp"
#include "pg/analyze.hpp"
#include "pg/role.hpp"
#include "remote/named_server.hpp"

namespace etl::source {

namespace {

using remote::PostgresConnection;

pg::Server find(const std::string& name) {
  return remote::find_server(name, pg::current_role(), {"postgres"});
}

// What the rows of a query are, and as what they travel.
std::vector<RecordColumn> describe(PostgresConnection& connection, const std::string& query) {
  (void)connection.query("SELECT * FROM (" + query + "\n) AS _etl_row WHERE false");
  std::vector<RecordColumn> columns;
  for (const PostgresConnection::Field& field : connection.fields()) {
    columns.push_back({field.name, pg::travel_type(field.type, field.typmod)});
  }
  return columns;
}

// Each column in the type in which it is wanted.
std::string select_as(const std::string& query, const std::vector<pg::Column>& columns) {
  std::string list;
  for (const pg::Column& column : columns) {
    list += (list.empty() ? "" : ", ") + quote_name(column.name) + "::" + pg::type_name(column.type, column.typmod) +
            " AS " + quote_name(column.name);
  }
  return "SELECT " + list + " FROM (" + query + "\n) AS _etl_row";
}

}  // namespace

RemoteQuery::RemoteQuery(std::string server, std::string query)
    : server_(std::move(server)), query_(std::move(query)) {}

std::vector<RecordColumn> RemoteQuery::columns() const {
  PostgresConnection connection(find(server_));
  connection.open();
  (void)connection.query("BEGIN READ ONLY");
  return describe(connection, query_);
}

std::optional<pg::Server> RemoteQuery::server() const {
  return find(server_);
}

std::unique_ptr<RecordPages> RemoteQuery::open(OriginSpec spec) const {
  return std::make_unique<RemotePages>(find(server_), query_, std::move(spec));
}

std::shared_ptr<const Origin> remote_query(const json::Value& params, const std::string& query) {
  const auto server = json::text_member(params, "server");
  return server ? std::make_shared<RemoteQuery>(*server, query) : nullptr;
}

RemotePages::RemotePages(pg::Server server, const std::string& query, OriginSpec spec)
    : server_(std::move(server)), spec_(std::move(spec)), connection_(server_, spec_.correlation_id) {
  spec_.page.query = select_as(query, spec_.columns);
  for (const unsigned type : spec_.page.order_types) order_types_.push_back(pg::type_name(type, -1));
}

std::unique_ptr<pg::Relation> RemotePages::make_page(bool keep) const {
  auto page = std::make_unique<pg::Relation>(spec_.columns, keep);
  pg::Relation::Watch watch;
  for (const std::string& name : spec_.page.order) watch.position.push_back(page->column_index(name));
  page->watch(watch);
  return page;
}

std::string RemotePages::page_query(const std::optional<pg::Key>& after) const {
  compile::Page page = page_of(spec_.page, after.has_value(), 0, false);
  if (!spec_.page.order.empty()) page.not_null = not_null_columns(spec_.page);
  const pg::Key values = parameters(spec_.page, after);
  const std::vector<std::size_t> columns = parameter_columns(spec_.page, page);
  for (std::size_t i = 0; i < values.size(); ++i) {
    page.values.push_back(quote_literal(values[i].value_or("")) + "::" + order_types_[columns[i]]);
  }
  return compile::page_sql(page);
}

// In a transaction that can only read, as a SELECT of this database is run.
void RemotePages::start(const std::string& query) {
  end();
  connection_.open();
  (void)connection_.query("SET lock_timeout = " + std::to_string(spec_.step_timeout_ms));
  connection_.send("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; COPY (" + query +
                   "\n) TO STDOUT (FORMAT binary); COMMIT");
  using Event = PostgresConnection::Event;
  for (Event event = connection_.wait(); event != Event::kCopyOut; event = connection_.wait()) {
    if (event != Event::kRows) throw connection_.unexpected();
  }
  fetched_ = connection_.read();
  streaming_ = true;
}

// Whatever is under way is given up with its connection.
void RemotePages::end() {
  connection_.close();
  reader_.reset();
  fetched_.reset();
  streaming_ = false;
  has_row_ = false;
}

void RemotePages::fetch(const std::optional<pg::Key>& after) {
  if (!streaming_) start(page_query(after));
}

bool RemotePages::next_row(const pg::Relation& shape) {
  if (!reader_) reader_ = std::make_unique<pg::BinaryReader>(shape);
  while (!has_row_) {
    PostgresConnection::Message message = fetched_ ? std::move(*fetched_) : connection_.read();
    fetched_.reset();
    if (message.size == 0) return false;
    has_row_ = reader_->read(message.bytes.get(), message.size);
  }
  return true;
}

bool RemotePages::read(const std::optional<pg::Key>& after, pg::Relation& page) {
  page.clear();
  fetch(after);
  while (next_row(page)) {
    if (page.rows() >= spec_.page_rows && !reader_->continues(page)) return true;
    reader_->append(page);
    has_row_ = false;
  }
  end();
  return false;
}

void RemotePages::read_all(pg::Relation& out) {
  fetch(std::nullopt);
  while (next_row(out)) {
    reader_->append(out);
    has_row_ = false;
  }
  end();
}

// A stream that begins anew behind a position would miss them.
bool RemotePages::hides_null_keys(bool) const {
  return !spec_.page.order.empty();
}

void RemotePages::read_null_keys(pg::Relation& page) {
  page.clear();
  start(compile::null_key_sql(spec_.page.query, not_null_columns(spec_.page)));
  read_all(page);
}

std::string RemotePages::description() const {
  return "server \"" + server_.name + "\": " + page_query(std::nullopt);
}

std::string RemotePages::way() const {
  return "streamed: one COPY of that server, in one snapshot";
}

std::vector<std::string> RemotePages::explain() {
  connection_.open();
  std::vector<std::string> lines;
  for (auto& row : connection_.table("EXPLAIN " + page_query(std::nullopt), 1)) lines.push_back(std::move(row[0]));
  return lines;
}

}  // namespace etl::source

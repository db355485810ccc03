#include "source/http_pages.hpp"

#include <algorithm>
#include <array>

#include "core/printable.hpp"
#include "core/server_limits.hpp"
#include "core/sqlstate.hpp"
#include "file/byte_source.hpp"
#include "file/json_reader.hpp"
#include "http/url.hpp"
#include "pg/settings.hpp"
#include "pg/transaction.hpp"
#include "pg/wait.hpp"
#include "remote/server_request.hpp"

namespace etl::source {

namespace {

constexpr std::array<std::int64_t, 3> kPausesMs = {500, 1000, 2000};
constexpr std::chrono::seconds kConnectTimeout{5};
constexpr std::chrono::seconds kReadTimeout{300};
constexpr std::chrono::seconds kMaxRetryAfter{60};

bool is_busy(long status) {
  return status == 429 || status == 502 || status == 503 || status == 504;
}

}  // namespace

HttpPages::HttpPages(HttpApi api, OriginSpec spec)
    : api_(std::move(api)),
      spec_(std::move(spec)),
      first_url_(remote::base_url(api_.server) + api_.path),
      gate_(api_.server),
      typer_(RecordTyper::Kind::kPage, spec_.step, spec_.columns.size(), "UTF8", spec_.quarantine,
             spec_.max_dead_letters) {
  for (const pg::Column& column : spec_.columns) names_.push_back(column.name);
}

void HttpPages::open() {
  client_ = remote::http_client(api_.server, 1);
}

std::unique_ptr<pg::Relation> HttpPages::make_page(bool keep) const {
  return std::make_unique<pg::Relation>(spec_.columns, keep);
}

http::Request HttpPages::request(const std::string& url) const {
  http::Request request;
  request.method = api_.method;
  request.url = url;
  request.headers = api_.headers;
  request.headers.emplace_back("Accept", "application/json");
  if (!spec_.correlation_id.empty()) request.headers.emplace_back("X-Correlation-ID", spec_.correlation_id);
  if (!api_.body.empty()) {
    request.headers.emplace_back("Content-Type", "application/json");
    request.body = std::make_shared<const std::string>(api_.body);
  }
  const ServerLimits limits = parse_server_limits(api_.server.options);
  request.connect_timeout = limits.connect_timeout.value_or(kConnectTimeout);
  request.total_timeout = limits.read_timeout.value_or(kReadTimeout);
  request.low_speed_time =
      std::chrono::ceil<std::chrono::seconds>(request.total_timeout);  // it may compute for so long
  request.max_reply_bytes = pg::max_reply_bytes();
  request.max_retry_after = kMaxRetryAfter;
  remote::add_credentials(api_.server, request);
  return request;
}

void HttpPages::pause(std::int64_t milliseconds) {
  const std::int64_t end = pg::now_us() + milliseconds * 1000;
  for (std::int64_t now = pg::now_us(); now < end; now = pg::now_us()) {
    (void)pg::wait_for_sockets({}, static_cast<int>((end - now) / 1000 + 1));
  }
}

Error HttpPages::refusal(const http::Reply& reply) const {
  const std::string whom = "server \"" + api_.server.name + "\"";
  std::string detail = "It answered " + api_.method + " " + api_.path + " with HTTP status " +
                       std::to_string(reply.status) +
                       (tries_ > 1 ? ", the last of " + std::to_string(tries_) + " times" : "") + ".";
  if (const std::string said = printable(remote::redacted(api_.server, reply.body), 200); !said.empty()) {
    detail += " It said: " + said;
  }
  if (reply.status == 401 || reply.status == 403) {
    return Error(sqlstate::kSinkAuth, whom + " refused the credentials", detail,
                 "Check the user mapping, the secret file, and what this user may read.");
  }
  if (reply.status >= 300 && reply.status < 400) {
    return Error(sqlstate::kSinkRefused, whom + " redirects a request, which is not followed", detail,
                 "Give the server the url that it leads to.");
  }
  return Error(sqlstate::kSinkRefused, whom + " refused a request", detail,
               is_busy(reply.status) ? "Run the pipeline again when it has recovered."
                                     : "Check path, method and headers of the step.");
}

// A failure that the run's retries would have tried as often once more.
Error HttpPages::lasting(Error error) const {
  error.sqlstate = sqlstate::kSinkRefused;
  error.detail += (error.detail.empty() ? "" : " ") + ("A page is asked for " + std::to_string(tries_) + " times.");
  return error;
}

http::Reply HttpPages::ask(const std::string& url) {
  for (;;) {
    ++tries_;
    for (int wait = gate_.pass(); wait > 0; wait = gate_.pass()) pause(wait);
    http::Reply reply = client_->perform(request(url));
    gate_.end();
    remote::tell_gate(gate_, reply);
    if (reply.failure) throw busy_ > 0 && tries_ > kPausesMs.size() ? lasting(*reply.failure) : Error(*reply.failure);
    if (reply.status >= 200 && reply.status < 300) return reply;
    if (!is_busy(reply.status) || busy_ >= kPausesMs.size()) throw refusal(reply);
    const std::int64_t told = reply.retry_after ? reply.retry_after->count() : 0;
    pause(std::max(kPausesMs[busy_++], told));
  }
}

// Before it becomes a position, from which no run would get away.
void HttpPages::check_next(const std::string& state) const {
  try {
    (void)http::parse_url(page_url(api_.pagination, first_url_, state));
  } catch (const Error& error) {
    if (error.sqlstate != "22023") throw;
    throw Error("08P01", "server \"" + api_.server.name + "\" names a next page that cannot be asked for",
                error.message + ". It begins: " + printable(remote::redacted(api_.server, state.substr(0, 200)), 200),
                "Check pagination of the step.");
  }
}

// Throws when the API seems to have no end.
void HttpPages::count_page(const std::string& state) {
  if (mark_ == state) {
    throw Error(sqlstate::kSinkRefused, "the pages of server \"" + api_.server.name + "\" go in a circle",
                "Page \"" + printable(remote::redacted(api_.server, state), 200) + "\" comes again.",
                "Check pagination: the API may want another param.");
  }
  if (++pages_ > api_.pagination.max_pages) {
    throw Error("54000", "server \"" + api_.server.name + "\" has more pages than a run may ask for",
                "The limit is " + std::to_string(api_.pagination.max_pages) + ".",
                "If they are right, use larger pages, or set max_pages in pagination of the step.");
  }
  if (pages_ < next_mark_) return;
  mark_ = state;
  next_mark_ *= 2;
}

// The page with that state; what was got is not asked for again.
void HttpPages::get(const std::string& state) {
  if (fetched_ && fetched_->state == state) return;
  if (state != asked_ || pages_ == 0) {
    count_page(state);
    asked_ = state;
    tries_ = 0;
    busy_ = 0;
  }
  fetched_.reset();
  http::Reply reply = ask(page_url(api_.pagination, first_url_, state));
  Fetched page{state, std::move(reply.body), std::nullopt, 0};
  json::Document body;
  try {
    body = json::parse(page.body, "the reply");
  } catch (Error& error) {
    if (error.sqlstate == "54001") throw;
    throw Error(sqlstate::kSinkRefused, "server \"" + api_.server.name + "\" answered with what is no JSON",
                error.detail + " It begins: " + printable(remote::redacted(api_.server, page.body), 200),
                "Check path and headers of the step.");
  }
  const json::Value* const array = json::find_at(body, api_.records);
  if (array == nullptr || !array->IsArray()) {
    throw Error("22023",
                "the reply of server \"" + api_.server.name + "\" has no array of records where they should be",
                "It begins: " + printable(remote::redacted(api_.server, page.body), 200),
                "Set param \"records\" to the path of the array, as in data.items.");
  }
  page.records = array->Size();
  page.next = next_state(api_.pagination, state, {body, reply.link, page.records});
  if (page.next) check_next(*page.next);
  fetched_ = std::move(page);
}

void HttpPages::take_records(std::uint64_t skip, pg::Relation& page) {
  const std::string url = page_url(api_.pagination, first_url_, fetched_->state);
  const std::string base = remote::base_url(api_.server);
  typer_.set_place(url.starts_with(base) ? url.substr(base.size()) : url);  // a link may lead above it
  file::JsonOptions options;
  options.format = file::JsonOptions::Format::kArray;
  options.path = api_.records;
  options.columns = names_;
  file::JsonReader reader(std::make_unique<file::TextSource>(fetched_->body), options, api_.limits, {0, skip});
  file::Record record;
  for (file::Read read = reader.next(record); read != file::Read::kEnd; read = reader.next(record)) {
    if (read == file::Read::kBad) {
      typer_.refuse(record.error, record.raw, record.line);
    } else {
      typer_.take(record, page);
    }
  }
  typer_.type(page);
}

void HttpPages::fetch(const std::optional<pg::Key>& after) {
  get(after ? after->at(0).value_or("") : "");
}

// Pages without records are passed over.
bool HttpPages::read(const std::optional<pg::Key>& after, pg::Relation& page) {
  page.clear();
  typer_.clear();
  reached_.reset();
  std::string state = after ? after->at(0).value_or("") : "";
  std::uint64_t skip = after ? std::stoull(after->at(1).value_or("0")) : 0;
  for (;;) {
    get(state);
    take_records(skip, page);
    const bool more = fetched_->next.has_value();
    reached_ = more ? pg::Key{*fetched_->next, "0"} : pg::Key{state, std::to_string(fetched_->records)};
    if (!more || page.rows() > 0 || !typer_.bad().empty()) return more;
    state = *fetched_->next;
    skip = 0;
  }
}

void HttpPages::read_all(pg::Relation& out) {
  out.clear();
  typer_.clear();
  std::string state;
  do {
    get(state);
    take_records(0, out);
    state = fetched_->next.value_or("");
  } while (fetched_->next);
}

}  // namespace etl::source

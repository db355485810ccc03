#include "sink/elastic_sink.hpp"

#include "model/operator.hpp"

#include <algorithm>

#include "core/printable.hpp"
#include "core/sqlstate.hpp"
#include "pg/fault.hpp"
#include "pg/transaction.hpp"
#include "pg/wait.hpp"
#include "remote/server_request.hpp"
#include "sink/bulk_reply.hpp"

namespace etl::sink {

using std::chrono::milliseconds;

ElasticSink::ElasticSink(ElasticSpec spec)
    : spec_(std::move(spec)), index_(spec_), gate_(spec_.server), limit_(std::max(1, spec_.options.in_flight)) {}

void ElasticSink::open() {
  client_ = remote::http_client(spec_.server, limit_);
  index_.create(*client_, gate_);
}

bool ElasticSink::has_room() const {
  return static_cast<int>(exchanges_.size()) <= limit_;
}

std::uint64_t ElasticSink::send(Batch&& batch) {
  Job job;
  job.done.ticket = ++last_ticket_;
  job.done.superseded = batch.superseded;
  job.done.bytes = batch.bytes;
  job.done.dead = std::move(batch.dead);
  job.open = batch.bodies.size();
  jobs_.push_back(std::move(job));
  for (BulkBody& body : batch.bodies) exchanges_.push_back({last_ticket_, std::move(body), 0, Clock::now(), {}});
  const std::uint64_t ticket = last_ticket_;
  pump(0);
  return ticket;
}

// Starts what is due, oldest first. A body that waits for its back-off keeps its connection from those behind it;
// behind a batch that failed for good nothing is sent any more.
void ElasticSink::start_due() {
  const auto now = Clock::now();
  int place = 0;
  for (Exchange& exchange : exchanges_) {
    if (running_ >= limit_ || ++place > limit_ || exchange.job > first_failed_) return;
    if (exchange.ticket || exchange.due > now) continue;
    if (now < gate_opens_) return;
    if (const int wait = gate_.pass(); wait > 0) {
      gate_opens_ = now + milliseconds(wait);
      return;
    }
    pg::fault_point(7);
    exchange.ticket = client_->submit(index_.bulk_request(exchange.body.text, exchange.body.rows.size()));
    ++exchange.tries;
    ++job(exchange).done.requests;
    ++running_;
    just_submitted_ = true;
  }
}

int ElasticSink::sleep_time(int timeout_ms) const {
  if (running_ >= limit_) return timeout_ms;
  int place = 0;
  for (const Exchange& exchange : exchanges_) {
    if (++place > limit_ || exchange.job > first_failed_) break;
    if (exchange.ticket) continue;
    const auto left = std::chrono::ceil<milliseconds>(std::max(exchange.due, gate_opens_) - Clock::now()).count();
    const int ms = static_cast<int>(std::clamp<long long>(left, 0, 86'400'000));
    if (timeout_ms < 0 || ms < timeout_ms) timeout_ms = ms;
  }
  return timeout_ms;
}

void ElasticSink::pump(int timeout_ms) {
  if (exchanges_.empty()) return;
  start_due();
  const int sleep = sleep_time(timeout_ms);
  if (running_ > 0) {
    client_->pump(sleep);
    if (std::exchange(just_submitted_, false)) pg::fault_point(8);
  } else {
    (void)pg::wait_for_sockets({}, sleep);
  }
  while (std::optional<http::Completed> completed = client_->take()) {
    const auto exchange = std::find_if(exchanges_.begin(), exchanges_.end(),
                                       [&](const Exchange& e) { return e.ticket == completed->ticket; });
    if (exchange == exchanges_.end()) continue;
    --running_;
    exchange->ticket.reset();
    gate_.end();
    pg::fault_point(9);
    remote::tell_gate(gate_, completed->reply);
    answer(exchange, completed->reply);
  }
  start_due();
}

std::optional<Done> ElasticSink::take() {
  if (jobs_.empty() || jobs_.front().open > 0) return std::nullopt;
  std::optional<Done> done(std::move(jobs_.front().done));
  jobs_.pop_front();
  return done;
}

void ElasticSink::answer(Position exchange, const http::Reply& reply) {
  if (reply.failure) {
    Error error = *reply.failure;
    if (error.sqlstate == "54000") error.sqlstate = sqlstate::kSinkUnavailable;  // cut: the outcome is unknown
    if (classify(error.sqlstate) == ErrorClass::kTransient) return retry(exchange, error, reply.retry_after);
    return fail(exchange->job, error);
  }
  if (reply.status >= 200 && reply.status < 300) return read_items(exchange, reply);
  if (reply.status == 413) return split(exchange);
  const Error error = index_.refusal(reply);
  if (classify(error.sqlstate) != ErrorClass::kTransient) return fail(exchange->job, error);
  if (reply.status == 429) slow_down();
  retry(exchange, error, reply.retry_after);
}

void ElasticSink::slow_down() {
  limit_ = std::max(1, limit_ / 2);
}

void ElasticSink::read_items(Position exchange, const http::Reply& reply) {
  std::vector<std::string_view> ids;
  ids.reserve(exchange->body.rows.size());
  for (const BulkRow& row : exchange->body.rows) ids.push_back(row.id);
  BulkReply items = read_bulk_reply(reply.body, ids);
  // Text of the reply is kept only from a copy without our credentials.
  if (items.understood && !items.errors.empty()) items = read_bulk_reply(index_.redacted(reply.body), ids);
  pg::fault_point(10);
  if (!items.understood) {
    return retry(exchange,
                 Error(sqlstate::kSinkUnavailable,
                       "could not understand the reply of server \"" + spec_.server.name + "\"", items.problem),
                 reply.retry_after);
  }
  Done& done = job(*exchange).done;
  std::vector<std::size_t> again;
  const ItemError* rejected = nullptr;
  for (const ItemError& item : items.errors) {
    const std::string seen = "HTTP status " + std::to_string(item.status) + ", " + item.type + ": " + item.reason;
    if (item.outcome == ItemOutcome::kBlocked) {
      const bool auth = item.status == 401 || item.type == "security_exception";
      return fail(
          exchange->job,
          Error(auth ? sqlstate::kSinkAuth : sqlstate::kSinkRefused,
                "server \"" + spec_.server.name + "\" refused all documents for index \"" + spec_.index + "\"", seen));
    }
    if (item.outcome == ItemOutcome::kRetry) {
      again.push_back(item.index);
      rejected = &item;
    }
  }
  for (const ItemError& item : items.errors) {
    if (item.outcome != ItemOutcome::kRefused) continue;
    const BulkRow& row = exchange->body.rows[item.index];
    Error error(sqlstate::kDocumentRefused, "index \"" + spec_.index + "\" refused a document: " + item.type,
                "Document \"" + printable(row.id, kMaxReason) + "\": " + item.reason,
                "Change the source so that the value fits the index's mapping, or the mapping.");
    done.dead.push_back({row.index, std::move(error), std::string(exchange->body.document(item.index))});
  }
  for (const ItemOutcome outcome : items.outcomes) {
    done.created += outcome == ItemOutcome::kCreated;
    done.stored += outcome == ItemOutcome::kStored || outcome == ItemOutcome::kCreated;
    done.stale += outcome == ItemOutcome::kStale;
  }
  limit_ = std::min(std::max(1, spec_.options.in_flight), limit_ + 1);
  if (again.empty()) return finish(exchange);
  const std::string seen = std::to_string(again.size()) + " of " + std::to_string(ids.size()) +
                           " documents: " + rejected->type + ": " + rejected->reason;
  exchange->body = pick_rows(exchange->body, again);
  retry(exchange,
        Error(sqlstate::kSinkUnavailable, "server \"" + spec_.server.name + "\" cannot take all documents now", seen),
        reply.retry_after);
}

void ElasticSink::retry(Position exchange, const Error& error, std::optional<milliseconds> retry_after) {
  if (exchange->tries > spec_.options.max_retries) {
    Error last = error;
    last.context = "sent " + std::to_string(exchange->tries) + " times";
    return fail(exchange->job, last);
  }
  const std::vector<std::int64_t>& steps = spec_.options.retry_backoff_ms;
  const std::size_t step = std::min<std::size_t>(static_cast<std::size_t>(exchange->tries - 1), steps.size() - 1);
  exchange->due = Clock::now() + std::max(milliseconds(steps[step]), retry_after.value_or(milliseconds(0)));
}

// 413: halves, down to the row that is too large by itself. Nothing of the body was applied.
void ElasticSink::split(Position exchange) {
  const std::size_t count = exchange->body.rows.size();
  if (count == 1) {
    Error error(sqlstate::kDocumentTooLarge, "a document is too large for server \"" + spec_.server.name + "\"",
                "Document \"" + printable(exchange->body.rows[0].id, kMaxReason) + "\" has " +
                    std::to_string(exchange->body.text->size()) + " bytes.",
                "Raise the server's http.max_content_length, or leave out large columns in the source.");
    job(*exchange).done.dead.push_back(
        {exchange->body.rows[0].index, std::move(error), std::string(exchange->body.document(0))});
    return finish(exchange);
  }
  std::vector<std::size_t> first;
  std::vector<std::size_t> second;
  for (std::size_t i = 0; i < count; ++i) (i < count / 2 ? first : second).push_back(i);
  BulkBody whole = std::move(exchange->body);
  exchange->body = pick_rows(whole, first);
  --exchange->tries;  // the server told what to do: no retry
  exchange->due = Clock::now();
  ++job(*exchange).open;
  exchanges_.insert(std::next(exchange), {exchange->job, pick_rows(whole, second), exchange->tries, exchange->due, {}});
}

void ElasticSink::finish(Position exchange) {
  --job(*exchange).open;
  exchanges_.erase(exchange);
}

void ElasticSink::fail(std::uint64_t ticket, const Error& error) {
  Job& failed = jobs_[ticket - jobs_.front().done.ticket];
  failed.done.failure = error;
  failed.open = 0;
  first_failed_ = std::min(first_failed_, ticket);
  for (auto exchange = exchanges_.begin(); exchange != exchanges_.end();) {
    if (exchange->job != ticket) {
      ++exchange;
      continue;
    }
    if (exchange->ticket) {
      client_->cancel(*exchange->ticket);
      gate_.end();
      --running_;
    }
    exchange = exchanges_.erase(exchange);
  }
}

void ElasticSink::encode_singly(pg::Relation& page, std::int64_t version, Batch& batch) {
  documents_.clear();
  for (std::uint64_t i = 0; i < page.rows(); ++i) {
    pg::Subtransaction attempt;
    try {
      encoder_->encode(page, i, i + 1, version, documents_);
      attempt.release();
    } catch (const Error& error) {
      attempt.rollback();
      if (classify(error.sqlstate) != ErrorClass::kData) throw;
      documents_.append_dead();
      batch.dead.push_back({i, error, {}});
    }
  }
}

Batch ElasticSink::encode(pg::Relation& page, std::int64_t version) {
  if (!encoder_) encoder_ = std::make_unique<pg::DocumentEncoder>(page.columns(), spec_.keys);
  Batch batch;
  batch.rows = page.rows();
  documents_.clear();
  pg::Subtransaction attempt;
  try {
    encoder_->encode(page, 0, page.rows(), version, documents_);
    attempt.release();
  } catch (const Error& error) {
    attempt.rollback();
    if (classify(error.sqlstate) != ErrorClass::kData) throw;
    encode_singly(page, version, batch);  // a type's own function failed: which row it was is not told
  }
  std::vector<bool> known(documents_.size(), false);
  for (const DeadRow& row : batch.dead) known[row.index] = true;
  for (std::uint64_t i = 0; i < documents_.size(); ++i) {
    if (documents_.is_dead(i) && !known[i]) batch.dead.push_back({i, documents_.error(i), {}});
  }
  batch.superseded = drop_superseded(documents_);
  batch.bytes = documents_.bytes();
  batch.bodies = cut_bodies(documents_, static_cast<std::size_t>(spec_.options.bulk_bytes),
                            static_cast<std::size_t>(spec_.options.bulk_items));
  pg::fault_point(6);
  return batch;
}

extern const model::Operator kElasticsearch = {
    "elasticsearch", model::Kind::kSink, "Writes documents into an index of a server; the key columns are their _id.",
    R"({"type": "object", "properties": {
    "target": {"type": "string", "minLength": 1, "description": "an index, as server:index"},
    "key_columns": {"type": "array", "items": {"type": "string"}, "minItems": 1,
                    "description": "a list of the columns that identify a document"}},
  "required": ["target"]})"};

}  // namespace etl::sink

#include "sink/bulk_reply.hpp"

#include <rapidjson/reader.h>

#include <array>

#include "core/printable.hpp"

namespace etl::sink {

namespace {

constexpr int kMaxDepth = 32;
constexpr unsigned kFlags = rapidjson::kParseIterativeFlag | rapidjson::kParseValidateEncodingFlag;

bool is_blocking(int status, std::string_view type) {
  if (status == 401 || status == 403) return true;
  constexpr std::array<std::string_view, 4> kOfTheIndex = {"index_closed_exception", "index_not_found_exception",
                                                           "invalid_alias_name_exception", "security_exception"};
  for (const std::string_view name : kOfTheIndex) {
    if (type == name) return true;
  }
  return status == 404;
}

ItemOutcome outcome_of(int status, std::string_view type) {
  if (status == 201) return ItemOutcome::kCreated;
  if (status >= 200 && status < 300) return ItemOutcome::kStored;
  if (status == 409 && type == "version_conflict_engine_exception") return ItemOutcome::kStale;
  if (status == 429 || status >= 500) return ItemOutcome::kRetry;
  return is_blocking(status, type) ? ItemOutcome::kBlocked : ItemOutcome::kRefused;
}

// Walks {"errors":B,"items":[{"index":{"_id":S,"status":N,"error":{"type":S,"reason":S}}},…]}. Depth 1 is the reply, 2
// the list, 3 an item, 4 its action, 5 the error. Members that were not asked for are passed over.
class ReplyHandler : public rapidjson::BaseReaderHandler<rapidjson::UTF8<>, ReplyHandler> {
 public:
  explicit ReplyHandler(const std::vector<std::string_view>& ids, BulkReply& reply) : ids_(ids), reply_(reply) {}

  bool Key(const char* text, rapidjson::SizeType length, bool) {
    key_.assign(text, length);
    if (depth_ == 1) in_items_ = false;
    return true;
  }
  bool StartObject() {
    if (++depth_ > kMaxDepth) return stop("It is nested too deeply.");
    if (depth_ == 2 && !in_items_) return true;
    if (depth_ == 3 && in_items_) actions_ = 0;
    if (depth_ == 4 && in_items_) return start_item();
    if (depth_ == 5 && in_items_) in_error_ = key_ == "error";
    return true;
  }
  bool EndObject(rapidjson::SizeType) {
    if (depth_ == 5) in_error_ = false;
    if (depth_ == 4 && in_items_ && !end_item()) return false;
    if (depth_ == 3 && in_items_ && actions_ != 1) return stop("An item is not one action.");
    --depth_;
    return true;
  }
  bool StartArray() {
    if (++depth_ > kMaxDepth) return stop("It is nested too deeply.");
    if (depth_ == 2 && key_ == "items") {
      if (seen_items_) return stop("It has two lists of items.");
      in_items_ = seen_items_ = true;
    } else if (in_items_ && depth_ <= 4) {
      return stop("An item is not an object.");
    }
    return true;
  }
  bool EndArray(rapidjson::SizeType) {
    if (depth_ == 2) in_items_ = false;
    --depth_;
    return true;
  }
  bool Bool(bool) {
    if (depth_ == 1 && key_ == "errors") seen_errors_ = true;
    return other();
  }
  bool Int(int value) { return number(value); }
  bool Uint(unsigned value) { return number(value <= 999 ? static_cast<int>(value) : -1); }
  bool Int64(std::int64_t) { return number(-1); }
  bool Uint64(std::uint64_t) { return number(-1); }
  bool Double(double) { return number(-1); }
  bool Null() { return other(); }
  bool String(const char* text, rapidjson::SizeType length, bool) {
    if (in_items_ && depth_ == 4 && key_ == "_id") {
      has_id_ = true;
      right_id_ =
          reply_.outcomes.size() < ids_.size() && ids_[reply_.outcomes.size()] == std::string_view(text, length);
    } else if (in_items_ && depth_ == 5 && in_error_) {
      if (key_ == "type") type_ = printable({text, length}, kMaxReason);
      if (key_ == "reason") reason_ = printable({text, length}, kMaxReason);
    }
    return other();
  }

  bool is_whole() const { return seen_errors_ && seen_items_; }

 private:
  bool stop(const char* why) {
    if (reply_.problem.empty()) reply_.problem = why;
    return false;
  }
  bool other() {
    if (in_items_ && depth_ <= 3) return stop("An item is not an object.");
    return true;
  }
  bool number(int value) {
    if (in_items_ && depth_ == 4 && key_ == "status") status_ = value;
    return other();
  }
  bool start_item() {
    ++actions_;
    has_id_ = right_id_ = in_error_ = false;
    status_ = -1;
    type_.clear();
    reason_.clear();
    return true;
  }
  bool end_item() {
    if (reply_.outcomes.size() >= ids_.size()) return stop("It has more items than documents were sent.");
    if (!has_id_ || !right_id_) return stop("An item has not the _id that was sent.");
    if (status_ < 200 || status_ > 599 || (status_ >= 300 && status_ < 400))
      return stop("An item has no valid status.");
    const ItemOutcome outcome = outcome_of(status_, type_);
    if (outcome != ItemOutcome::kCreated && outcome != ItemOutcome::kStored && outcome != ItemOutcome::kStale) {
      reply_.errors.push_back({reply_.outcomes.size(), outcome, status_, type_, reason_});
    }
    reply_.outcomes.push_back(outcome);
    return true;
  }

  const std::vector<std::string_view>& ids_;
  BulkReply& reply_;
  std::string key_;
  int depth_ = 0;
  int actions_ = 0;
  bool seen_errors_ = false;
  bool seen_items_ = false;
  bool in_items_ = false;
  bool in_error_ = false;
  bool has_id_ = false;
  bool right_id_ = false;
  int status_ = -1;
  std::string type_;
  std::string reason_;
};

struct EngineError {
  std::string type;
  std::string reason;
};

// Walks {"error":{"type":S,"reason":S,…},…} or {"error":S}.
class ErrorHandler : public rapidjson::BaseReaderHandler<rapidjson::UTF8<>, ErrorHandler> {
 public:
  explicit ErrorHandler(EngineError& error) : error_(error) {}

  bool Key(const char* text, rapidjson::SizeType length, bool) {
    key_.assign(text, length);
    if (depth_ == 1) in_error_ = key_ == "error";
    return true;
  }
  bool StartObject() { return ++depth_ <= kMaxDepth; }
  bool StartArray() { return ++depth_ <= kMaxDepth; }
  bool EndObject(rapidjson::SizeType) { return --depth_ >= 0; }
  bool EndArray(rapidjson::SizeType) { return --depth_ >= 0; }
  bool RawNumber(const char*, rapidjson::SizeType, bool) { return true; }
  bool String(const char* text, rapidjson::SizeType length, bool) {
    if (!in_error_) return true;
    if (depth_ == 1) error_.reason.assign(text, length);
    if (depth_ == 2 && key_ == "type") error_.type.assign(text, length);
    if (depth_ == 2 && key_ == "reason") error_.reason.assign(text, length);
    return true;
  }

 private:
  EngineError& error_;
  std::string key_;
  int depth_ = 0;
  bool in_error_ = false;
};

EngineError read_error(std::string_view body) {
  EngineError error;
  if (body.empty() || body.size() > (1u << 20) || body.front() != '{') return error;
  ErrorHandler handler(error);
  rapidjson::MemoryStream stream(body.data(), body.size());
  rapidjson::Reader reader;
  // Numbers as text: RapidJSON's exact parsing of 0e201 counts the leading zeros of zero.
  if (reader.Parse<kFlags | rapidjson::kParseNumbersAsStringsFlag>(stream, handler).IsError()) return {};
  return error;
}

}  // namespace

BulkReply read_bulk_reply(std::string_view body, const std::vector<std::string_view>& ids) {
  BulkReply reply;
  reply.outcomes.reserve(ids.size());
  ReplyHandler handler(ids, reply);
  rapidjson::MemoryStream stream(body.data(), body.size());
  rapidjson::Reader reader;
  const auto result = reader.Parse<kFlags>(stream, handler);
  if (result.IsError()) {
    if (reply.problem.empty()) reply.problem = body.empty() ? "It is empty." : "It is not valid JSON.";
  } else if (!handler.is_whole()) {
    reply.problem = "It has no list of items.";
  } else if (reply.outcomes.size() != ids.size()) {
    reply.problem =
        "It has " + std::to_string(reply.outcomes.size()) + " items for " + std::to_string(ids.size()) + " documents.";
  } else {
    reply.understood = true;
  }
  if (!reply.understood) {
    reply.outcomes.clear();
    reply.errors.clear();
  }
  return reply;
}

std::string read_error_reason(std::string_view body) {
  const EngineError error = read_error(body);
  if (error.type.empty() && error.reason.empty()) return printable(body, kMaxReason);
  return printable(
      error.type.empty() || error.reason.empty() ? error.type + error.reason : error.type + ": " + error.reason,
      kMaxReason);
}

std::string read_error_type(std::string_view body) {
  return printable(read_error(body).type, kMaxReason);
}

}  // namespace etl::sink

// Replies to bulk requests: believed only when whole.
#include "sink/bulk_reply.hpp"

#include <gtest/gtest.h>

namespace etl::sink {
namespace {

const std::vector<std::string_view> kIds = {"1", "2"};

std::string item(const std::string& id, int status, const std::string& error = "") {
  return R"({"index":{"_id":")" + id + R"(","status":)" + std::to_string(status) +
         (error.empty() ? "" : R"(,"error":{"type":")" + error + R"(","reason":"because"})") + "}}";
}

std::string reply_of(const std::string& items, bool errors = true) {
  return std::string(R"({"errors":)") + (errors ? "true" : "false") + R"(,"items":[)" + items + "]}";
}

ItemOutcome outcome_of(int status, const std::string& error = "") {
  const BulkReply reply = read_bulk_reply(reply_of(item("1", status, error)), {"1"});
  EXPECT_TRUE(reply.understood) << reply.problem;
  return reply.understood ? reply.outcomes[0] : ItemOutcome::kRefused;
}

std::string problem_of(const std::string& body) {
  const BulkReply reply = read_bulk_reply(body, kIds);
  EXPECT_FALSE(reply.understood) << body;
  EXPECT_TRUE(reply.outcomes.empty() && reply.errors.empty());
  EXPECT_FALSE(reply.problem.empty());
  return reply.problem;
}

TEST(BulkReply, AllStored) {
  const BulkReply reply = read_bulk_reply(reply_of(item("1", 201) + "," + item("2", 200), false), kIds);
  ASSERT_TRUE(reply.understood) << reply.problem;
  EXPECT_EQ(reply.outcomes, (std::vector<ItemOutcome>{ItemOutcome::kCreated, ItemOutcome::kStored}));
  EXPECT_TRUE(reply.errors.empty());
}

TEST(BulkReply, OutcomeOfEachStatus) {
  EXPECT_EQ(outcome_of(409, "version_conflict_engine_exception"), ItemOutcome::kStale);
  EXPECT_EQ(outcome_of(409, "another_exception"), ItemOutcome::kRefused);
  EXPECT_EQ(outcome_of(400, "document_parsing_exception"), ItemOutcome::kRefused);
  EXPECT_EQ(outcome_of(429, "es_rejected_execution_exception"), ItemOutcome::kRetry);
  for (const int status : {500, 502, 503, 504}) EXPECT_EQ(outcome_of(status, "x"), ItemOutcome::kRetry);
  for (const int status : {401, 403, 404}) EXPECT_EQ(outcome_of(status, "x"), ItemOutcome::kBlocked);
  EXPECT_EQ(outcome_of(400, "index_closed_exception"), ItemOutcome::kBlocked);
}

TEST(BulkReply, ErrorsCarryTypeAndReason) {
  const BulkReply reply =
      read_bulk_reply(reply_of(item("1", 201) + "," + item("2", 400, "mapper_parsing_exception")), kIds);
  ASSERT_EQ(reply.errors.size(), 1u);
  EXPECT_EQ(reply.errors[0].index, 1u);
  EXPECT_EQ(reply.errors[0].status, 400);
  EXPECT_EQ(reply.errors[0].type, "mapper_parsing_exception");
  EXPECT_EQ(reply.errors[0].reason, "because");
}

TEST(BulkReply, MembersNotAskedForArePassedOver) {
  const std::string body =
      R"({"took":3,"x":[{"_id":"9"},[1]],"errors":true,"items":[{"index":{"_index":"i","_id":"1","_shards":{"total":2,)"
      R"("status":7,"_id":"z"},"status":400,"error":{"caused_by":{"type":"inner","reason":"no"},"type":"outer",)"
      R"("root_cause":[{"type":"no"}],"reason":"yes"}}},{"create":{"status":201,"_id":"2"}}]})";
  const BulkReply reply = read_bulk_reply(body, kIds);
  ASSERT_TRUE(reply.understood) << reply.problem;
  EXPECT_EQ(reply.errors[0].type, "outer");
  EXPECT_EQ(reply.errors[0].reason, "yes");
  EXPECT_EQ(reply.errors[0].status, 400);
}

TEST(BulkReply, WhatIsNotWholeTellsNothing) {
  problem_of("");
  problem_of("<html>502</html>");
  problem_of("{}");
  problem_of("[]");
  problem_of("null");
  problem_of(R"({"errors":false})");
  problem_of(R"({"items":[]})");
  problem_of(reply_of(""));
  problem_of(reply_of(item("1", 201)));
  problem_of(reply_of(item("1", 201) + "," + item("2", 201) + "," + item("3", 201)));
  problem_of(reply_of(item("2", 201) + "," + item("1", 201)));
  problem_of(reply_of(item("1", 201) + "," + item("x", 201)));
  problem_of(reply_of(item("1", 201) + "," + item("2", 0)));
  problem_of(reply_of(item("1", 201) + "," + item("2", 302)));
  problem_of(reply_of(item("1", 201) + ",5"));
  problem_of(reply_of(item("1", 201) + ",[]"));
  problem_of(reply_of(item("1", 201) + ",{}"));
  problem_of(reply_of(item("1", 201) + R"(,{"index":{}})"));
  problem_of(reply_of(item("1", 201) + R"(,{"index":{"_id":"2","status":"201"}})"));
  problem_of(reply_of(item("1", 201) + R"(,{"index":{"_id":"2","status":201.5}})"));
  problem_of(reply_of(item("1", 201) + R"(,{"index":[{"_id":"2","status":201}]})"));
  problem_of(reply_of(R"({"index":{"_id":"1","status":201},"create":{"_id":"2","status":201}})"));
  problem_of(reply_of(item("1", 201)) + reply_of(item("2", 201)));
  problem_of(R"({"errors":false,"items":[)" + item("1", 201) + R"(],"items":[)" + item("2", 201) + "]}");
  problem_of(std::string(100000, '['));
}

TEST(BulkReply, EveryCutIsNoticed) {
  const std::string body = reply_of(item("1", 201) + "," + item("2", 400, "x"));
  for (std::size_t length = 0; length < body.size(); ++length) problem_of(body.substr(0, length));
  EXPECT_TRUE(read_bulk_reply(body, kIds).understood);
}

TEST(BulkReply, ReasonOfAnErrorBody) {
  EXPECT_EQ(read_error_reason(R"({"error":{"type":"t","reason":"r"},"status":400})"), "t: r");
  EXPECT_EQ(read_error_reason(R"({"error":"plain","status":400})"), "plain");
  EXPECT_EQ(read_error_reason("<h1>Bad\ngateway</h1>"), "<h1>Bad\\x0agateway</h1>");
  EXPECT_EQ(read_error_reason(R"({"error":5})"), R"({"error":5})");
  EXPECT_EQ(read_error_type(R"({"error":{"type":"t"}})"), "t");
  EXPECT_EQ(read_error_type("nonsense"), "");
  EXPECT_EQ(read_error_reason(std::string(10000, 'x')).size(), kMaxReason);
}

}  // namespace
}  // namespace etl::sink

// Definitions, options, states: the rules that need no database.
#include <gtest/gtest.h>

#include "core/json.hpp"
#include "file/utf8.hpp"
#include "model/definition.hpp"
#include "model/options.hpp"
#include "model/params.hpp"
#include "model/state.hpp"
#include "model/steps.hpp"
#include "model/write_mode.hpp"
#include "unit/error_of.hpp"

namespace etl::model {
namespace {

Definition valid() {
  Definition d;
  d.name = "orders";
  d.source = "SELECT 1 AS id";
  d.target = "analytics.orders";
  return d;
}

std::string refusal(const Definition& d) {
  try {
    check_definition(d);
    return "";
  } catch (const Error& error) {
    EXPECT_FALSE(error.message.empty());
    return error.sqlstate;
  }
}

std::string option_refusal(const char* json) {
  try {
    (void)parse_options(json);
    return "";
  } catch (const Error& error) {
    return error.sqlstate;
  }
}

TEST(Definition, AcceptsAPlainOne) {
  EXPECT_EQ(refusal(valid()), "");
}

TEST(Definition, RefusesWhatIsMissingOrOutOfRange) {
  Definition d = valid();
  d.name = "";
  EXPECT_EQ(refusal(d), "22023");
  d = valid();
  d.name = "a\nb";
  EXPECT_EQ(refusal(d), "22023");
  for (const std::int64_t size : {0L, -1L, 1000001L}) {
    d = valid();
    d.batch_size = size;
    EXPECT_EQ(refusal(d), "22023") << size;
  }
  d = valid();
  d.mode = "stream";
  EXPECT_EQ(refusal(d), "0A000");
  d.mode = "sometimes";
  EXPECT_EQ(refusal(d), "22023");
}

TEST(Definition, IncrementalNeedsBothKeys) {
  Definition d = valid();
  d.mode = "incremental";
  EXPECT_EQ(refusal(d), "22023");
  d.incremental_key = "changed_at";
  EXPECT_EQ(refusal(d), "22023");
  d.incremental_id_key = "id";
  EXPECT_EQ(refusal(d), "");
  d.mode = "full";
  EXPECT_EQ(refusal(d), "22023");
}

TEST(Definition, RoundTripsByteForByte) {
  Definition d = valid();
  d.mode = "incremental";
  d.incremental_key = "k\"ey";
  d.incremental_id_key = "id";
  d.key_columns = std::vector<std::string>{"a", "b"};
  d.options = R"({"slices":1,"overlap":"5 minutes"})";
  d.tags = {"x"};
  d.description = "line\nbreak";
  d.search_path = "public";
  const std::string once = definition_to_json(d);
  const std::string twice = definition_to_json(definition_from_json(json::parse(once, "it")));
  EXPECT_EQ(once, twice);
}

TEST(Definition, UnknownKeysAreErrors) {
  EXPECT_THROW((void)definition_from_json(json::parse(R"({"nmae": "x"})", "it")), Error);
  EXPECT_THROW((void)definition_from_json(json::parse(R"({"batch_size": "many"})", "it")), Error);
  EXPECT_THROW((void)definition_from_json(json::parse(R"([1])", "it")), Error);
}

// Of what is quoted in part, the cut may fall into a character: either of the two is not at its border.
TEST(Definition, QuotesWholeCharacters) {
  for (const char* start : {"", "a"}) {
    std::string text = start;
    while (text.size() < 400) text += "é";
    const std::string value = "[\"" + text + "\"]";
    const json::Document document = json::parse(value, "it");
    std::vector<Finding> findings;
    check_params("s", R"({"properties":{"p":{"type":"string"}}})", json::parse("{\"p\":" + value + "}", "it"),
                 findings);
    (void)read_steps(value, findings);
    (void)read_steps("[{\"id\":" + value + ",\"operator\":" + value + "}]", findings);
    (void)read_steps("{\"a\":" + value + "}", findings);
    const Error error = error_of([&] { (void)definition_from_json(document); });
    findings.push_back({"", "error", error.sqlstate, error.message, error.detail, error.hint});
    ASSERT_GE(findings.size(), 6u);
    for (const Finding& finding : findings) {
      EXPECT_EQ(finding.detail.find("It is "), 0u) << finding.message;
      EXPECT_EQ(file::valid_utf8(finding.detail), finding.detail.size()) << finding.detail;
    }
  }
}

TEST(IndexName, RefusesWhatTheEngineOrAnAttackerWouldMeanOtherwise) {
  for (const char* name : {"", "*", "a*", "a,b", "Film", "_all", "-x", "+x", ".security", "<logs-{now/d}>", "a b",
                           "a/b", "a?", "a\"b", "a#b", "ä"}) {
    EXPECT_THROW(check_index_name(name), Error) << name;
  }
  EXPECT_THROW(check_index_name(std::string(256, 'a')), Error);
  for (const char* name : {"film_dim", "a", "logs-2026.01", "0abc"}) EXPECT_NO_THROW(check_index_name(name)) << name;
}

TEST(Target, TellsServersFromTables) {
  EXPECT_EQ(parse_target("analytics.film").server, "");
  EXPECT_EQ(parse_target("es:film").server, "es");
  EXPECT_EQ(parse_target("es:film").object, "film");
  EXPECT_EQ(parse_target("\"odd:schema\".film").server, "");
}

TEST(AllowList, MatchesExactNamesAndATrailingStar) {
  EXPECT_TRUE(pattern_matches("analytics.*", "analytics.film"));
  EXPECT_TRUE(pattern_matches("es:film_*", "es:film_dim"));
  EXPECT_FALSE(pattern_matches("analytics.*", "analytics2.film"));
  EXPECT_FALSE(pattern_matches("analytics.film", "analytics.film2"));
  for (const char* pattern : {"*", "analytics", "a*.b", "*.film", "analytics.*x", ".x", "x."}) {
    EXPECT_THROW(check_pattern(pattern), Error) << pattern;
  }
  EXPECT_NO_THROW(check_pattern("es:*"));
}

TEST(Options, ReadEachKeyAndRefuseEachWrongValue) {
  EXPECT_EQ(option_refusal("{}"), "");
  EXPECT_EQ(parse_options(R"({"retry_backoff": ["10ms", "1 s"]})").retry_backoff_ms,
            (std::vector<std::int64_t>{10, 1000}));
  EXPECT_EQ(parse_options(R"({"bulk_bytes": "1 MB"})").bulk_bytes, 1048576);
  EXPECT_TRUE(parse_options(R"({"on_error": "quarantine"})").quarantine);
  EXPECT_EQ(parse_options(R"({"index_settings": {"number_of_shards": 1}})").index_settings,
            R"({"number_of_shards":1})");
  for (const char* wrong :
       {R"({"slices": 0})", R"({"slices": 1.5})", R"({"slices": "2"})", R"({"on_error": "explode"})",
        R"({"overlap": 5})", R"({"overlap": "5 fortnights"})", R"({"overlap": ""})", R"({"retry_backoff": []})",
        R"({"retry_backoff": "1s"})", R"({"compress": 1})", R"({"index_mappings": []})", R"({"max_dead_letters": -1})",
        R"({"unknown": 1})", "[]", "1"}) {
    EXPECT_EQ(option_refusal(wrong), "22023") << wrong;
  }
  for (const char* later : {R"({"capture": "slot"})", R"({"tables": {}})", R"({"safety": "snapshot"})"}) {
    EXPECT_EQ(option_refusal(later), "0A000") << later;
  }
  EXPECT_EQ(option_refusal("{"), "22P02");
}

TEST(WriteMode, EachHasAName) {
  const auto mode_of = [](const char* name) {
    return read_write(json::parse(json::Object().add("write_mode", name).str(), "it")).mode;
  };
  EXPECT_EQ(mode_of("upsert"), WriteMode::kUpsert);
  EXPECT_EQ(mode_of("append"), WriteMode::kAppend);
  EXPECT_EQ(mode_of("replace"), WriteMode::kReplace);
  EXPECT_EQ(mode_of("soft_delete"), WriteMode::kSoftDelete);
  EXPECT_EQ(mode_of("scd2"), WriteMode::kScd2);
  for (const auto mode :
       {WriteMode::kUpsert, WriteMode::kAppend, WriteMode::kReplace, WriteMode::kSoftDelete, WriteMode::kScd2}) {
    EXPECT_EQ(mode_of(std::string(name_of(mode)).c_str()), mode);
  }
  EXPECT_EQ(name_of(WriteMode::kReplaceRange), "replace_range");
  EXPECT_EQ(read_write(json::parse("{}", "it")).mode, WriteMode::kUpsert);
}

// The others may not delete what a run did not deliver.
TEST(WriteMode, SomeNeedAllRowsAtOnce) {
  for (const auto mode : {WriteMode::kReplace, WriteMode::kReplaceRange, WriteMode::kSoftDelete}) {
    EXPECT_TRUE(sweeps(mode)) << name_of(mode);
  }
  for (const auto mode : {WriteMode::kUpsert, WriteMode::kAppend, WriteMode::kScd2}) {
    EXPECT_FALSE(sweeps(mode)) << name_of(mode);
  }
}

TEST(WriteMode, ARangeHasBothBoundsOrNone) {
  const Write open = read_write(json::parse(R"({"write_mode":"replace_range","range":{"column":"day"}})", "it"));
  EXPECT_EQ(open.mode, WriteMode::kReplaceRange);
  EXPECT_EQ(open.range_column, "day");
  EXPECT_EQ(open.range_from + open.range_to, "");
  const Write bounded = read_write(json::parse(
      R"({"range":{"to":"current_date","from":"current_date - 7","column":"Day"},"write_mode":"replace_range"})",
      "it"));
  EXPECT_EQ(bounded.range_column, "Day");
  EXPECT_EQ(bounded.range_from, "current_date - 7");
  EXPECT_EQ(bounded.range_to, "current_date");
}

TEST(WriteMode, RefusesWhatItDoesNotKnow) {
  for (const char* wrong : {R"({"write_mode":"merge"})",
                            R"({"write_mode":"Append"})",
                            R"({"write_mode":""})",
                            R"({"write_mode":1})",
                            R"({"write_mode":null})",
                            R"({"write_mode":["append"]})",
                            R"({"write_mode":"replace_range"})",
                            R"({"write_mode":"replace","range":{"column":"day"}})",
                            R"({"range":{"column":"day"}})",
                            R"({"write_mode":"replace_range","range":"day"})",
                            R"({"write_mode":"replace_range","range":null})",
                            R"({"write_mode":"replace_range","range":{}})",
                            R"({"write_mode":"replace_range","range":{"column":""}})",
                            R"({"write_mode":"replace_range","range":{"column":1}})",
                            R"({"write_mode":"replace_range","range":{"from":"1","to":"2"}})",
                            R"({"write_mode":"replace_range","range":{"column":"day","from":"1"}})",
                            R"({"write_mode":"replace_range","range":{"column":"day","to":"2"}})",
                            R"({"write_mode":"replace_range","range":{"column":"day","from":"","to":""}})",
                            R"({"write_mode":"replace_range","range":{"column":"day","from":1,"to":2}})",
                            R"({"write_mode":"replace_range","range":{"column":"day","until":"2"}})"}) {
    const Error error = error_of([&] { (void)read_write(json::parse(wrong, "it")); });
    EXPECT_EQ(error.sqlstate, "22023") << wrong;
    EXPECT_FALSE(error.hint.empty()) << wrong;
  }
}

TEST(States, EveryStateAndCallHasATransition) {
  int moves = 0;
  int refusals = 0;
  for (int s = 0; s < kStates; ++s) {
    const auto state = static_cast<State>(s);
    EXPECT_EQ(state_from(name(state)), state);
    for (int c = 0; c < kCalls; ++c) {
      const Transition& t = transition(state, static_cast<Call>(c));
      moves += t.kind == Transition::Kind::kMove;
      refusals += t.kind == Transition::Kind::kRefuse;
      if (t.kind == Transition::Kind::kRefuse) {
        EXPECT_FALSE(t.hint.empty());
        EXPECT_TRUE(t.sqlstate == "55000" || t.sqlstate == "55006");
      }
    }
  }
  EXPECT_EQ(moves, 15);
  EXPECT_EQ(refusals, 16);
  EXPECT_EQ(transition(State::PAUSED, Call::run).sqlstate, "55000");
  EXPECT_EQ(transition(State::RUNNING, Call::run).sqlstate, "55006");
  EXPECT_EQ(transition(State::FAILED, Call::retry).to, State::RUN_REQUESTED);
  EXPECT_THROW((void)state_from("idle"), Error);
}

}  // namespace
}  // namespace etl::model

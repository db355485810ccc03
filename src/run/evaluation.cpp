#include "run/evaluation.hpp"

#include <algorithm>
#include <set>

#include "core/dead_letters.hpp"
#include "core/json.hpp"
#include "core/printable.hpp"
#include "core/sqlstate.hpp"
#include "pg/read_only.hpp"
#include "pg/transaction.hpp"
#include "run/dead_rows.hpp"
#include "run/flow.hpp"
#include "run/operators.hpp"

namespace etl::run {

namespace {

using transform::Severity;

// The columns of a violation, as transform.hpp says.
Violation violation_of(const std::string& step, const std::string& row_json) {
  const json::Document row = json::parse(row_json, "a violation");
  auto text = [&](rapidjson::SizeType i) -> std::optional<std::string> {
    const json::Value& value = (row.MemberBegin() + static_cast<std::ptrdiff_t>(i))->value;
    return value.IsString() ? std::optional(std::string(json::text(value))) : std::nullopt;
  };
  return {step, text(0).value_or(""), text(1).value_or(""), text(2)};
}

// Over `found`: how often each rule was broken, and a row that broke one.
constexpr char kTold[] = R"(
SELECT pg_catalog.string_agg(pg_catalog.concat(c.message, CASE WHEN c.rows OPERATOR(pg_catalog.>) 1
         THEN pg_catalog.concat(' (', c.rows, ' rows)') END, '.'), ' ' ORDER BY c.message COLLATE pg_catalog."C"),
       (SELECT f.record FROM found f WHERE f.record IS NOT NULL LIMIT 1)
FROM (SELECT f.message, pg_catalog.count(*) AS rows FROM found f GROUP BY f.message) c)";

[[noreturn]] void fail(const model::Step& step, pg::Relation& found) {
  pg::Statement look(kTold, {}, {{"found", &found, static_cast<double>(found.rows())}}, pg::Planning::kFree);
  pg::Relation one(look.columns(), false);
  one.clear();
  look.read(one);
  const json::Document told = json::parse(one.row_json(0), "violations");
  const auto text = [&](int member) {
    const json::Value& value = (told.MemberBegin() + member)->value;
    return value.IsString() ? std::string(json::text(value)) : std::string();
  };
  const std::string record = text(1);
  const std::string all = text(0) + (record.empty() ? "" : " One row is " + printable(record, 500) + ".");
  Error error(sqlstate::kCheckFailed, "check \"" + step.id + "\" failed", all,
              record.empty() ? "Mend the source, or give the check severity \"warn\"."
                             : "Mend the source, or give the check severity \"quarantine\" or \"warn\".");
  error.step = step.id;
  throw error;
}

}  // namespace

Evaluation::Evaluation(const Plan& plan, pg::Relation* page) : plan_(plan), page_(page) {
  for (const std::string& id : plan_.relations) {
    if (page_ != nullptr && id == plan_.paged_step) continue;
    relations_[id] = std::make_unique<pg::Relation>(plan_.graph->columns(id), true);
  }
}

std::vector<pg::NamedRelation> Evaluation::relations() const {
  std::vector<pg::NamedRelation> all;
  for (const std::string& id : plan_.relations) {
    pg::Relation& relation = relation_of(id);
    // A statement is planned once: a batch after this one may have as many rows as a batch can.
    const double least = plan_.way == Way::kBatch ? static_cast<double>(plan_.definition.batch_size) : 1;
    all.push_back({plan_.graph->relation_name(id), &relation, std::max(least, static_cast<double>(relation.rows()))});
  }
  return all;
}

// Under our names, and the inputs of the step by their ids.
std::vector<pg::NamedRelation> Evaluation::named_inputs(const model::Step& step) const {
  std::vector<pg::NamedRelation> all = relations();
  const std::vector<pg::NamedRelation> ours = all;
  for (const std::string& id : step.depends_on) {
    for (pg::NamedRelation named : ours) {
      if (named.name != plan_.graph->relation_name(id)) continue;
      named.name = id;
      all.push_back(named);
    }
  }
  return all;
}

pg::Statement& Evaluation::statement(const std::string& key, const std::string& sql,
                                     const std::vector<pg::NamedRelation>& inputs) {
  std::unique_ptr<pg::Statement>& wanted = statements_[key];
  if (!wanted) wanted = std::make_unique<pg::Statement>(sql, std::vector<unsigned>{}, inputs, pg::Planning::kFree);
  return *wanted;
}

std::optional<std::uint64_t> Evaluation::rows_in(const model::Step& step) const {
  std::uint64_t rows = 0;
  for (const std::string& id : step.depends_on) {
    if (!plan_.relations.contains(id)) return std::nullopt;
    rows += relation_of(id).rows();
  }
  return step.depends_on.empty() ? std::nullopt : std::optional(rows);
}

pg::Relation& Evaluation::relation_of(const std::string& step) const {
  const auto own = relations_.find(step);
  return own == relations_.end() ? *page_ : *own->second;
}

std::unique_ptr<pg::Relation> Evaluation::find_violations(const model::Step& step, const transform::Rule& rule) {
  pg::Statement& look = statement("violations of " + step.id, rule.violations, relations());
  auto found = std::make_unique<pg::Relation>(look.columns(), true);
  found->clear();
  look.read(*found);
  return found;
}

void Evaluation::fill(const model::Step& step, const Compiled& made, pg::Relation& out) {
  out.clear();
  statement(step.id, made.query, relations()).read(out);
}

void Evaluation::check(const model::Step& step, const transform::Rule& rule, StepWork& work) {
  const std::unique_ptr<pg::Relation> rows = find_violations(step, rule);
  pg::Relation& found = *rows;
  work.figures = json::Object().add_number("violations", static_cast<std::int64_t>(found.rows())).str();
  if (found.rows() == 0 || rule.severity == Severity::kWarn) return;
  if (rule.severity == Severity::kFail) fail(step, found);
  // One row more than are kept, so that the limit speaks.
  const auto most = static_cast<std::size_t>(plan_.options.max_dead_letters);
  std::set<std::string> records;
  std::vector<Violation> all;
  for (std::uint64_t i = 0; i < found.rows() && records.size() <= most; ++i) {
    all.push_back(violation_of(step.id, found.row_json(i)));
    // A rule about the whole set has no row that could be left out.
    if (!all.back().record) fail(step, found);
    records.insert(*all.back().record);
    count_found(all.back().record->size());
  }
  violations_.insert(violations_.end(), all.begin(), all.end());
}

std::string Evaluation::figures(const model::Step& step, const transform::Rule& rule) {
  std::vector<pg::NamedRelation> inputs = named_inputs(step);
  inputs.push_back({"output", relations_.at(step.id).get(), 1});
  pg::Statement& look = statement("figures of " + step.id, rule.figures, inputs);
  pg::Relation one(look.columns(), false);
  one.clear();
  look.read(one);
  return one.row_json(0);
}

void Evaluation::read_origin(const model::Step& step, const source::Origin& origin, pg::Relation& out) {
  const auto pages = origin.open(origin_spec(plan_, step.id, plan_.graph->columns(step.id)));
  pages->open();
  pages->read_all(out);
  for (const source::BadRecord& bad : pages->bad()) {
    bad_records_.push_back(bad);
    count_found(bad.record.size());
  }
}

const Evaluation::Compiled& Evaluation::compiled(const model::Step& step) {
  const auto known = compiled_.find(step.id);
  if (known != compiled_.end()) return known->second;
  Compiled made{plan_.graph->rule(step, plan_.relations), plan_.graph->origin(step), {}};
  if (relations_.contains(step.id) && !made.origin) made.query = plan_.graph->query(step.id, plan_.relations);
  return compiled_.emplace(step.id, std::move(made)).first->second;
}

// What breaks a rule and what is kept are seen in one snapshot: else a row might be neither.
void Evaluation::compute(const model::Step& step, const Compiled& made, StepWork& work) {
  const pg::StatementTimer timer(static_cast<int>(plan_.options.step_timeout_ms));
  std::optional<pg::SameSnapshot> snapshot;
  if (!made.rule.violations.empty()) {
    snapshot.emplace();
    check(step, made.rule, work);
  }
  const auto own = relations_.find(step.id);
  if (own == relations_.end()) return;
  pg::Relation& out = *own->second;
  if (made.origin) {
    out.clear();
    read_origin(step, *made.origin, out);
  } else {
    fill(step, made, out);
  }
  work.rows_out = out.rows();
  if (plan_.options.observe_steps && !made.rule.figures.empty()) work.figures = figures(step, made.rule);
}

// The statements of compute(), whatever they find.
void Evaluation::try_out(const model::Step& step, const Compiled& made) {
  const pg::StatementTimer timer(static_cast<int>(plan_.options.step_timeout_ms));
  if (!made.rule.violations.empty()) (void)find_violations(step, made.rule);
  fill(step, made, relation(step.id));
}

// As compute(), without the rows of its input that the step fails on.
void Evaluation::compute_or_leave_out(const model::Step& step, const Compiled& made, StepWork& work) {
  const std::size_t violations = violations_.size();
  const std::size_t bytes = found_bytes_;
  std::optional<Error> failure;
  pg::Subtransaction attempt;
  try {
    compute(step, made, work);
    return attempt.release();
  } catch (const Error& error) {
    attempt.rollback();
    if (classify(error.sqlstate) != ErrorClass::kData) throw;
    failure = error;
  }
  violations_.resize(violations);
  found_bytes_ = bytes;
  const bool row_by_row = find_operator(step.op, model::Kind::kTransform)->of_batch.empty();
  const auto keep = [&](pg::Relation& row, std::uint64_t, Error error) {
    error.step = step.id;
    bad_records_.push_back({error, record_of(row, 0)});
    count_found(bad_records_.back().record.size());
  };
  const auto attempt_step = [&] { try_out(step, made); };
  const auto compute_rest = [&] { compute(step, made, work); };
  const std::int64_t most = plan_.options.max_dead_letters;
  if (!leave_out(relation_of(step.depends_on[0]), row_by_row, most, attempt_step, keep, compute_rest)) throw *failure;
}

// They wait in memory.
void Evaluation::count_found(std::size_t bytes) {
  found_bytes_ += bytes;
  check_dead_bytes(found_bytes_);
}

void Evaluation::run_step(const model::Step& step) {
  const bool own = relations_.contains(step.id);
  const Compiled& made = compiled(step);
  if (!own && made.rule.violations.empty()) return;
  StepWork work;
  work.step = step.id;
  work.started_us = pg::now_us();
  work.rows_in = rows_in(step);
  if (plan_.each_step && plan_.options.quarantine && own && step.depends_on.size() == 1) {
    compute_or_leave_out(step, made, work);
  } else {
    compute(step, made, work);
  }
  work.active_us = pg::now_us() - work.started_us;
  work_.push_back(std::move(work));
}

void Evaluation::start() {
  work_.clear();
  violations_.clear();
  bad_records_.clear();
  found_bytes_ = 0;
  for (auto& [id, relation] : relations_) relation->clear();
}

void Evaluation::run_one(const model::Step& step) {
  const pg::ReadOnlyScope read_only;
  try {
    run_step(step);
  } catch (Error& error) {
    error.step = step.id;
    error.context = "step \"" + step.id + "\"" + (error.context.empty() ? "" : "\n" + error.context);
    throw;
  }
}

void Evaluation::run() {
  start();
  for (const model::Step& step : plan_.graph->steps()) {
    if (kind_of(plan_.graph->steps(), step) != model::Kind::kSink) run_one(step);
  }
}

std::string Evaluation::found_by(const std::string& step) const {
  std::string violations;
  for (const Violation& v : violations_) {
    if (v.step != step) continue;
    violations += (violations.empty() ? "" : ",") + json::write_texts({v.step, v.rule, v.message, v.record});
  }
  std::string records;
  for (const source::BadRecord& bad : bad_records_) {
    if (bad.error.step != step) continue;
    const Error& e = bad.error;
    records += (records.empty() ? "" : ",") +
               json::write_texts({bad.record, e.sqlstate, e.message, e.detail, e.hint, e.column, e.step});
  }
  return json::Object().add_raw("violations", "[" + violations + "]").add_raw("records", "[" + records + "]").str();
}

void Evaluation::add_found(const std::string& found) {
  const json::Document kept = json::parse(found, "what a step found");
  for (const json::Value& item : kept["violations"].GetArray()) {
    const json::Texts v = json::read_texts(item);
    violations_.push_back({*v[0], *v[1], *v[2], v[3]});
  }
  for (const json::Value& item : kept["records"].GetArray()) {
    const json::Texts r = json::read_texts(item);
    Error error(*r[1], *r[2], *r[3], *r[4]);
    error.column = *r[5];
    error.step = *r[6];
    bad_records_.push_back({std::move(error), *r[0]});
  }
}

namespace {

std::string number_or_null(const std::optional<std::uint64_t>& number) {
  return number ? std::to_string(*number) : "null";
}

std::optional<std::uint64_t> read_number(const json::Value& value) {
  return value.IsNull() ? std::nullopt : std::optional(value.GetUint64());
}

}  // namespace

std::string Evaluation::report(const std::string& step) const {
  const StepWork& work = work_.back();
  return json::Object()
      .add("step", step)
      .add_number("started_us", work.started_us)
      .add_number("active_us", work.active_us)
      .add_raw("rows_in", number_or_null(work.rows_in))
      .add_raw("rows_out", number_or_null(work.rows_out))
      .add_raw("figures", work.figures)
      .add_raw("found", found_by(step))
      .str();
}

void Evaluation::add_report(const std::string& report) {
  const json::Document r = json::parse(report, "a step's report");
  work_.push_back({std::string(json::text(r["step"])), r["started_us"].GetInt64(), r["active_us"].GetInt64(),
                   read_number(r["rows_in"]), read_number(r["rows_out"]), json::write(r["figures"])});
  add_found(json::write(r["found"]));
}

}  // namespace etl::run

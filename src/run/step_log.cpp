#include "run/step_log.hpp"

#include <algorithm>

#include "core/json.hpp"
#include "pg/transaction.hpp"

namespace etl::run {

namespace {

// What it lacks is added.
void add_items(json::Document& to, json::Value& target, const json::Value& from) {
  for (const json::Value& item : from.GetArray()) {
    if (std::find(target.Begin(), target.End(), item) == target.End()) {
      target.PushBack(json::Value(item, to.GetAllocator()), to.GetAllocator());
    }
  }
}

void add_members(json::Document& to, json::Value& target, const json::Value& from) {
  auto& memory = to.GetAllocator();
  for (const auto& member : from.GetObject()) {
    const auto known = target.FindMember(member.name);
    if (known == target.MemberEnd()) {
      target.AddMember(json::Value(member.name, memory), json::Value(member.value, memory), memory);
    } else if (known->value.IsObject() && member.value.IsObject()) {
      add_members(to, known->value, member.value);
    } else if (known->value.IsArray() && member.value.IsArray()) {
      add_items(to, known->value, member.value);
    } else if (known->value.IsInt64() && member.value.IsInt64()) {
      known->value.SetInt64(known->value.GetInt64() + member.value.GetInt64());
    } else if (known->value.IsNumber() && member.value.IsNumber()) {
      known->value.SetDouble(known->value.GetDouble() + member.value.GetDouble());
    } else {
      known->value.CopyFrom(member.value, memory);
    }
  }
}

void add_rows(std::optional<std::int64_t>& total, const std::optional<std::uint64_t>& rows) {
  if (rows) total = total.value_or(0) + static_cast<std::int64_t>(*rows);
}

// A step without a statement of its own is a part of one; of those it may be any.
bool may_have_failed(const Plan& plan, const std::string& step, const Error& error) {
  return error.step.empty() ? !plan.relations.contains(step) : error.step == step;
}

}  // namespace

std::string add_figures(const std::string& one, const std::string& other) {
  if (other == "{}") return one;
  json::Document sum = json::parse(one, "figures");
  add_members(sum, sum, json::parse(other, "figures"));
  return json::write(sum);
}

void StepLog::open(const Plan& plan, std::int64_t run) {
  run_ = run;
  totals_ = plan.graph ? catalog::read_steps(run) : std::vector<catalog::StepTotals>();
  if (plan.graph && totals_.empty()) {
    for (const model::Step& step : plan.graph->steps())
      totals_.push_back({.step = step.id, .op = step.op, .depends_on = step.depends_on});
  }
  for (catalog::StepTotals& totals : totals_) {
    if (totals.status != "requested") totals.status = "running";
    totals.error_code.reset();
    totals.error_message.reset();
  }
  saved_ = totals_;
}

void StepLog::add(const std::vector<StepWork>& work, bool done) {
  for (const StepWork& w : work) {
    const auto found =
        std::find_if(totals_.begin(), totals_.end(), [&](const auto& totals) { return totals.step == w.step; });
    if (found == totals_.end()) continue;
    found->status = done ? "succeeded" : "running";
    if (found->started_us == 0) found->started_us = w.started_us;
    found->finished_us = w.started_us + w.active_us;
    found->active_us += w.active_us;
    add_rows(found->rows_in, w.rows_in);
    add_rows(found->rows_out, w.rows_out);
    found->figures = add_figures(found->figures, w.figures);
  }
}

void StepLog::done_before(const std::string& step) {
  for (catalog::StepTotals& totals : totals_) {
    if (totals.step == step) totals.status = "succeeded";
  }
}

void StepLog::save() {
  if (!totals_.empty()) catalog::save_steps(run_, totals_);
}

void StepLog::end(const Plan& plan, const std::string& status, const Error* error) {
  if (status == "paused") return;
  for (catalog::StepTotals& totals : totals_) {
    if (totals.finished_us == 0) totals.finished_us = pg::now_us();
    if (status != "failed") {
      totals.status = totals.status == "succeeded" ? totals.status : status;
    } else if (error != nullptr && may_have_failed(plan, totals.step, *error)) {
      totals.status = "failed";
      totals.error_code = error->sqlstate;
      totals.error_message = error->message;
    } else if (totals.status != "succeeded") {
      totals.status = "cancelled";
    }
  }
  save();
}

}  // namespace etl::run

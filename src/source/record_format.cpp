#include "source/record_format.hpp"

namespace etl::source {

RecordFormat::RecordFormat(const json::Value& params, const file::Limits& limits)
    : pattern_(json::text(params["path"])), limits_(limits) {
  const auto columns = params.FindMember("columns");
  if (columns == params.MemberEnd()) return;
  if (columns->value.IsObject()) {
    for (const auto& member : columns->value.GetObject()) {
      declared_.push_back({std::string(json::text(member.name)), std::string(json::text(member.value))});
    }
    return;
  }
  for (const json::Value& one : columns->value.GetArray()) {
    declared_.push_back({std::string(json::text(one["name"])), std::string(json::text(one["type"]))});
  }
}

void RecordFormat::want_order(const json::Value& params, bool header) const {
  if (header || declared_.size() < 2 || !params["columns"].IsObject()) return;
  throw Error("22023", "columns of a file without a header need an order", "An object has none.",
              "Write them as [{\"name\": \"a\", \"type\": \"integer\"}, …].");
}

std::vector<RecordColumn> RecordFormat::columns(file::File file) const {
  return declared_.empty() ? infer(std::move(file)) : declared_;
}

}  // namespace etl::source

#include "source/origin.hpp"

namespace etl::source {

std::vector<RecordColumn> declared_columns(const json::Value& params) {
  std::vector<RecordColumn> declared;
  const auto columns = params.FindMember("columns");
  if (columns == params.MemberEnd()) return declared;
  if (columns->value.IsObject()) {
    for (const auto& member : columns->value.GetObject()) {
      declared.push_back({std::string(json::text(member.name)), std::string(json::text(member.value))});
    }
    return declared;
  }
  for (const json::Value& one : columns->value.GetArray()) {
    declared.push_back({std::string(json::text(one["name"])), std::string(json::text(one["type"]))});
  }
  return declared;
}

}  // namespace etl::source

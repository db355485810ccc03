#include "model/write_mode.hpp"

#include <algorithm>
#include <array>

namespace etl::model {

namespace {

constexpr std::array<std::string_view, 6> kNames = {"upsert",        "append",      "replace",
                                                    "replace_range", "soft_delete", "scd2"};

WriteMode read_mode(const json::Value& value) {
  const auto* name = value.IsString() ? std::find(kNames.begin(), kNames.end(), json::text(value)) : kNames.end();
  if (name == kNames.end()) {
    throw Error("22023", "write_mode cannot take this value", "It is " + json::write(value) + ".",
                "Use \"upsert\", \"append\", \"replace\", \"replace_range\", \"soft_delete\" or \"scd2\".");
  }
  return static_cast<WriteMode>(name - kNames.begin());
}

void read_range(Write& write, const json::Value& range) {
  constexpr const char* kHint =
      "Write it as in {\"column\": \"day\"} or {\"column\": \"day\", \"from\": \"current_date - 7\", "
      "\"to\": \"current_date\"}.";
  if (!range.IsObject()) throw Error("22023", "range must be an object", "It is " + json::write(range) + ".", kHint);
  for (const auto& member : range.GetObject()) {
    const std::string_view key = json::text(member.name);
    std::string* part = key == "column" ? &write.range_column
                        : key == "from" ? &write.range_from
                        : key == "to"   ? &write.range_to
                                        : nullptr;
    if (part == nullptr || !member.value.IsString() || member.value.GetStringLength() == 0) {
      throw Error("22023", "range cannot have this member",
                  "It is " + json::write(member.name) + ": " + json::write(member.value) + ".", kHint);
    }
    *part = json::text(member.value);
  }
  if (write.range_column.empty() || write.range_from.empty() != write.range_to.empty()) {
    throw Error("22023", "range needs a column, and both of from and to or none", "It is " + json::write(range) + ".",
                kHint);
  }
}

}  // namespace

std::string_view name_of(WriteMode mode) {
  return kNames[static_cast<std::size_t>(mode)];
}

Write read_write(const json::Value& object) {
  Write write;
  const auto mode = object.FindMember("write_mode");
  const auto range = object.FindMember("range");
  if (mode != object.MemberEnd()) write.mode = read_mode(mode->value);
  if (range != object.MemberEnd()) read_range(write, range->value);
  if ((write.mode == WriteMode::kReplaceRange) == write.range_column.empty()) {
    throw Error("22023",
                write.range_column.empty() ? "write_mode \"replace_range\" needs a range"
                                           : "a range is for write_mode \"replace_range\"",
                {}, "Write it as in {\"write_mode\": \"replace_range\", \"range\": {\"column\": \"day\"}}.");
  }
  return write;
}

}  // namespace etl::model

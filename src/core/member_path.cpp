#include "core/member_path.hpp"

namespace etl::json {

MemberPath read_path(std::string_view text, std::string_view param) {
  MemberPath path;
  if (text == "$") return path;
  std::string_view rest = text;
  if (rest.starts_with("$.")) rest.remove_prefix(2);
  for (;;) {
    const std::string_view name = rest.substr(0, rest.find('.'));
    if (name.empty() || name.find_first_of("[]*$\"'") != name.npos) {
      throw Error("22023", "param \"" + std::string(param) + "\" is not a path of members",
                  "It is \"" + std::string(text) + "\".",
                  "Write the names of the members that lead there, as data.items, or $ for the whole.");
    }
    path.emplace_back(name);
    if (name.size() == rest.size()) return path;
    rest.remove_prefix(name.size() + 1);
  }
}

const Value* find_at(const Value& whole, const MemberPath& path) {
  const Value* here = &whole;
  for (const std::string& name : path) {
    if (!here->IsObject()) return nullptr;
    const auto member = here->FindMember(Value(rapidjson::StringRef(name.data(), name.size())));
    if (member == here->MemberEnd()) return nullptr;
    here = &member->value;
  }
  return here;
}

}  // namespace etl::json

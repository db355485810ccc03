#include "file/pattern.hpp"

#include <algorithm>
#include <string>

#include "core/error.hpp"
#include "core/printable.hpp"

namespace etl::file {
namespace {

constexpr std::uint32_t kByte = 0x110000;  // behind the last code point: bytes that are no UTF-8

// Takes the character at the front away.
std::uint32_t take(std::string_view& text) noexcept {
  const std::size_t length = utf8_length(text);
  const auto first = static_cast<unsigned char>(text[0]);
  std::uint32_t character = length == 0 ? kByte + first : length == 1 ? first : first & (0x7f >> length);
  for (std::size_t i = 1; i < length; ++i) {
    character = character << 6 | (static_cast<unsigned char>(text[i]) & 0x3f);
  }
  text.remove_prefix(std::max<std::size_t>(length, 1));
  return character;
}

[[noreturn]] void refuse_pattern(std::string_view component, const char* detail) {
  throw Error("22023", "file pattern \"" + printable(component, 300) + "\" is not supported", detail,
              "Use *, ? and [...] within one component of the path.");
}

}  // namespace

Pattern::Pattern(std::string_view component) : dotted_(!component.empty() && component[0] == '.') {
  for (std::string_view rest = component; !rest.empty();) {
    if (add_set(rest, component)) continue;
    Token token;
    token.character = take(rest);
    if (token.character == '*') token.kind = Kind::kStar;
    if (token.character == '?') token.kind = Kind::kAny;
    if (token.kind != Kind::kCharacter) literal_ = false;
    if (token.kind == Kind::kStar && !tokens_.empty() && tokens_.back().kind == Kind::kStar) {
      refuse_pattern(component, "It contains \"**\".");
    }
    tokens_.push_back(std::move(token));
  }
}

// Takes a […] at the front away; false if there is none.
bool Pattern::add_set(std::string_view& text, std::string_view component) {
  if (text[0] != '[') return false;
  std::string_view rest = text.substr(1);
  Token token;
  token.kind = Kind::kSet;
  token.negated = !rest.empty() && (rest[0] == '!' || rest[0] == '^');
  if (token.negated) rest.remove_prefix(1);
  bool class_seen = false;
  while (!rest.empty() && (rest[0] != ']' || token.ranges.empty())) {
    class_seen |= rest[0] == '[' && rest.size() > 1 && (rest[1] == ':' || rest[1] == '.' || rest[1] == '=');
    const std::uint32_t low = take(rest);
    std::uint32_t high = low;
    if (rest.size() > 1 && rest[0] == '-' && rest[1] != ']') {
      rest.remove_prefix(1);
      high = take(rest);
    }
    token.ranges.emplace_back(low, high);
  }
  if (rest.empty()) return false;
  if (class_seen) refuse_pattern(component, "It contains a class of characters.");
  tokens_.push_back(std::move(token));
  literal_ = false;
  text = rest.substr(1);
  return true;
}

bool Pattern::accepts(const Token& token, std::uint32_t character) noexcept {
  if (token.kind == Kind::kCharacter) return token.character == character;
  if (token.kind == Kind::kAny) return true;
  const bool inside = std::any_of(token.ranges.begin(), token.ranges.end(), [&](const Range& range) {
    return range.first <= character && character <= range.second;
  });
  return inside != token.negated;
}

// Only the last star is gone back to: what an earlier one could take more, the last one can take as well.
bool Pattern::matches(std::string_view name) const noexcept {
  if (!name.empty() && name[0] == '.' && !dotted_) return false;
  std::size_t token = 0;
  std::size_t after_star = 0;       // 0: no star so far
  std::string_view star_rest = {};  // of the name, behind what the star has taken
  while (!name.empty()) {
    if (token < tokens_.size() && tokens_[token].kind == Kind::kStar) {
      after_star = ++token;
      star_rest = name;
      continue;
    }
    std::string_view rest = name;
    const std::uint32_t character = take(rest);
    if (token < tokens_.size() && accepts(tokens_[token], character)) {
      ++token;
      name = rest;
      continue;
    }
    if (after_star == 0) return false;
    take(star_rest);
    name = star_rest;
    token = after_star;
  }
  while (token < tokens_.size() && tokens_[token].kind == Kind::kStar) ++token;
  return token == tokens_.size();
}

}  // namespace etl::file

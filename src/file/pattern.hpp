// One component of a glob: *, ? and […] as in a shell, matched in time of its length times the name's at worst.
//
// A character is a UTF-8 sequence, or one byte where the bytes are no UTF-8. [!…] and [^…] are negated, ] may stand
// first, a range goes by code point. A [ that is never closed stands for itself. Nothing is escaped by a backslash:
// write [*]. A name that begins with a dot wants a pattern that begins with a dot.
#pragma once

#include <cstdint>
#include <string_view>
#include <utility>
#include <vector>

namespace etl::file {

class Pattern {
 public:
  // Error 22023: ** or a class such as [[:alpha:]].
  explicit Pattern(std::string_view component);

  bool is_literal() const noexcept { return literal_; }  // without a wildcard: it is the name
  bool matches(std::string_view name) const noexcept;

 private:
  enum class Kind : std::uint8_t { kCharacter, kAny, kSet, kStar };
  using Range = std::pair<std::uint32_t, std::uint32_t>;
  struct Token {
    Kind kind = Kind::kCharacter;
    bool negated = false;
    std::uint32_t character = 0;
    std::vector<Range> ranges;
  };

  static bool accepts(const Token& token, std::uint32_t character) noexcept;
  bool add_set(std::string_view& text, std::string_view component);

  std::vector<Token> tokens_;
  bool literal_ = true;
  bool dotted_ = false;
};

}  // namespace etl::file

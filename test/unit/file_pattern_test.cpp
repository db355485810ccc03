// What a component of a pattern matches.
#include "file/pattern.hpp"

#include <gtest/gtest.h>

#include <string>

#include "core/error.hpp"

namespace etl::file {
namespace {

bool matches(std::string_view pattern, std::string_view name) {
  return Pattern(pattern).matches(name);
}

TEST(Pattern, Stars) {
  for (const char* name : {"a", "ab", "aab", "a.b"}) EXPECT_TRUE(matches("a*", name)) << name;
  EXPECT_FALSE(matches("a*", "ba"));
  EXPECT_TRUE(matches("*", ""));
  EXPECT_TRUE(matches("*a*b*", "xaybz"));
  EXPECT_TRUE(matches("*ab", "aab"));
  EXPECT_TRUE(matches("a*b*c", "abbbcbc"));
  EXPECT_FALSE(matches("a*b*c", "abbb"));
  EXPECT_FALSE(matches("*a", ""));
}

TEST(Pattern, CharactersAreOfUtf8) {
  EXPECT_TRUE(matches("?", "a"));
  EXPECT_FALSE(matches("?", ""));
  EXPECT_FALSE(matches("?", "ab"));
  EXPECT_TRUE(matches("?", "\xc3\xa9"));
  EXPECT_FALSE(matches("??", "\xc3\xa9"));
  EXPECT_TRUE(matches("[\xc3\xa0-\xc3\xaf]", "\xc3\xa9"));
  EXPECT_FALSE(matches("[\xc3\xa0-\xc3\xaf]", "\xc3\xb9"));
  EXPECT_TRUE(matches("*\xc3\xa9", "a\xc3\xa9"));
  // Bytes that are no UTF-8, as of LATIN1, are one each.
  EXPECT_TRUE(matches("??", "\xe9\xe9"));
  EXPECT_TRUE(matches("[\xe9]", "\xe9"));
  EXPECT_FALSE(matches("\xe9", "\xc3\xa9"));
}

TEST(Pattern, Sets) {
  EXPECT_TRUE(matches("[abc]", "b"));
  EXPECT_FALSE(matches("[abc]", "d"));
  EXPECT_FALSE(matches("[abc]", ""));
  EXPECT_TRUE(matches("[a-c]x", "bx"));
  EXPECT_FALSE(matches("[!a-c]", "b"));
  EXPECT_TRUE(matches("[^a-c]", "d"));
  EXPECT_TRUE(matches("[]]", "]"));
  EXPECT_TRUE(matches("[!]]", "a"));
  EXPECT_FALSE(matches("[!]]", "]"));
  EXPECT_TRUE(matches("[a-]", "-"));
  EXPECT_TRUE(matches("[-a]", "-"));
  EXPECT_FALSE(matches("[c-a]", "b"));
  EXPECT_TRUE(matches("[*]", "*"));
  EXPECT_FALSE(matches("[*]", "a"));
  EXPECT_TRUE(matches("[?]", "?"));
  EXPECT_TRUE(matches("[a", "[a"));
  EXPECT_TRUE(matches("[]", "[]"));
  EXPECT_TRUE(matches("\\*", "\\x"));
}

TEST(Pattern, ADotInFrontWantsADot) {
  for (const char* pattern : {"*", "?x", "[.]x", "*x", "[!a]x"}) EXPECT_FALSE(matches(pattern, ".x")) << pattern;
  for (const char* pattern : {".*", ".x", ".?", ".[x]"}) EXPECT_TRUE(matches(pattern, ".x")) << pattern;
  EXPECT_TRUE(matches("a*", "a.x"));
}

TEST(Pattern, KnowsALiteral) {
  for (const char* literal : {"a", "a.csv", "a[b", "]", "[]", "[!]", "a\\", "[[:a"}) {
    EXPECT_TRUE(Pattern(literal).is_literal()) << literal;
    EXPECT_TRUE(matches(literal, literal)) << literal;
  }
  for (const char* wild : {"*", "a?", "[a]", "[]]", "[!a]"}) EXPECT_FALSE(Pattern(wild).is_literal()) << wild;
}

TEST(Pattern, RefusesWhatItDoesNotKnow) {
  for (const char* pattern : {"**", "a**", "**b", "***", "[[:alpha:]]", "[a[.x.]]", "[[=a=]]", "[!a-z[:digit:]]"}) {
    try {
      const Pattern made(pattern);
      ADD_FAILURE() << pattern;
    } catch (const Error& error) {
      EXPECT_EQ(error.sqlstate, "22023");
      EXPECT_NE(error.message.find(pattern), std::string::npos);
    }
  }
}

// Backtracking into every star would take 2^100 steps.
TEST(Pattern, TakesLinearTime) {
  std::string pattern;
  for (int i = 0; i < 100; ++i) pattern += "*a";
  EXPECT_FALSE(matches(pattern + "b", std::string(255, 'a')));
  EXPECT_TRUE(matches(pattern, std::string(255, 'a')));
  EXPECT_FALSE(matches(pattern, std::string(99, 'a')));
}

}  // namespace
}  // namespace etl::file

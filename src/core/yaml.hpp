// YAML as another way to write JSON: what has no form in JSON is refused, what has one is read without surprises.
//
//   json::Document document = yaml::parse("name: films\nsource: |\n  SELECT 1 AS id\n", "the definition");
//   yaml::write(document);  // the same text again
//
// The syntax is yaml-cpp's; the limits are ours, because the text may come from anybody who may define a pipeline, and
// yaml-cpp bounds neither memory nor what aliases expand to. No exception of yaml-cpp leaves this file.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "core/json.hpp"

namespace etl::yaml {

inline constexpr std::size_t kMaxText = 16u << 20;     // bytes of a text, and of all strings after aliases are expanded
inline constexpr std::size_t kMaxNodes = 100'000;      // keys and values, after aliases are expanded
inline constexpr int kMaxDepth = 256;                  // of sequences and mappings; yaml-cpp ends at 499
inline constexpr std::size_t kMaxScalar = 256u << 10;  // bytes of one scalar, comment or flow collection, as written

// Reads a stream of documents: one is the value itself, several are an array of theirs.
//
// Scalars follow the core schema of YAML 1.2, but a number with a leading zero is a string: null, true and false (Null,
// NULL, ~ and so on), 12, 0x1f, 0o17, 1.5e3. So yes, no, on, off, 012 and 1:30 are strings, as is all that is quoted or
// tagged !!str. Numbers are what JSON would make of them: whole ones up to 18446744073709551615 are exact, larger ones
// are the nearest double, and those out of a double's range are refused. Comments, anchors and aliases are gone
// afterwards.
//
// Error 22P02 with line and column: not YAML, duplicate keys, or what JSON cannot hold (keys that are no strings, .inf
// and .nan, tags beyond the core schema's); anchors on keys, merge keys (<<) and directives (%) are refused as well.
// 54000 over a limit above, 54001 over kMaxDepth. `what` names the text in the message.
json::Document parse(std::string_view text, std::string_view what);

// One document in block style, which parse() reads as the same value, to the bit of a number and the byte of a string.
// Strings stand plain where every reader of YAML 1.1 and 1.2 takes them for strings, multi-line ones as literal blocks,
// all others in double quotes. The keys of an object must differ. Error 54000 or 54001 when parse() would refuse the
// text for its size or a key is longer than 1000 bytes; 22021 for a string that is not UTF-8.
std::string write(const json::Value& value);

}  // namespace etl::yaml

// The body with which an index is created: a mapping derived from the columns' types, laid under the user's options.
//
// Chosen so that no value of a type is ever refused, on Elasticsearch 7, 8 and OpenSearch 2 alike, without licensed
// field types:
//
//   boolean                      boolean
//   int2, int4 / int8            integer / long
//   float4 / float8, numeric     float / double, ignore_malformed: "NaN", "Infinity" and what no double holds are not
//                                indexed, and stay exact in _source
//   date, timestamp, timestamptz date, ignore_malformed: "infinity", years before 1 and after 9999 are not indexed
//   text                         text with a sub-field `keyword` (ignore_above 256)
//   keyword                      keyword, ignore_above 8191: 32,766 bytes, Lucene's limit, hold so many characters
//   bytea                        binary
//   json                         object, enabled false: kept in _source, not indexed. A dynamic mapping would refuse a
//                                document whose JSON has another shape than the first one's. index_mappings turns it
//                                on.
//   object                       object with its attributes' mappings
//
// Pure: no PostgreSQL, no network.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace etl::sink {

struct MappedField {
  std::string name;
  std::string kind;  // first column of the table above; another one is Error XX000
  std::vector<MappedField> children;
};

// {"settings":…,"mappings":…}. settings and mappings: JSON objects or empty; their members win, but for members of
// "properties", which win one by one. A name with dots is a path of objects, as the engines read it.
// Errors: 22P02, 22023 when one is not an object.
std::string index_body(const std::vector<MappedField>& fields, std::string_view settings, std::string_view mappings);

}  // namespace etl::sink

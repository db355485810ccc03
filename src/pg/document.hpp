// Rows as documents of Elasticsearch or OpenSearch: lines of a bulk request.
//
//   {"index":{"_id":"7","version":12,"version_type":"external"}}
//   {"id":7,"title":"…"}
//
// The rule of every type, in JSON (docs/types.md lists the types by name; mapping kinds in brackets):
//
//   bool                         true, false                                                       [boolean]
//   smallint, integer, bigint    number                                                            [int2, int4, int8]
//   real, double precision       number, shortest text that reads back the same;                   [float4, float8]
//                                "NaN", "Infinity", "-Infinity"
//   numeric                      number with all its digits, trailing zeros too; "NaN", "Infinity" [numeric]
//                                and more than 1,000 characters as string
//   text, varchar                string                                                            [text]
//   char(n)                      string, padded as stored                                          [text]
//   date                         "2024-02-29"; "infinity", "-infinity"; as to_json before year 1   [date]
//                                and after 9999 ("0044-03-15 BC", "10000-01-01")
//   timestamp                    "2024-02-29T12:00:00.5"; the rest as date                         [timestamp]
//   timestamptz                  "2024-02-29T12:00:00.5+00:00", always UTC; the rest as date       [timestamptz]
//   interval                     string, ISO 8601: "P1DT2H"                                        [keyword]
//   bytea                        base64                                                            [bytea]
//   json                         the text itself, not reformatted (line breaks become blanks)      [json]
//   jsonb                        its text                                                          [json]
//   array of T, int2vector,      array of T's rule, one level a dimension, null for NULL           [as T]
//     oidvector
//   composite, record            object of its attributes' rules                                   [object]
//   domain                       as its base type
//   type with a cast to json     what the cast gives (hstore)                                      [json]
//   every other type             string, PostgreSQL's text: enum, range, multirange, inet, cidr,   [keyword; text for
//                                macaddr, time, timetz, point, …, uuid, name, oid, money, bit,      string types]
//                                tsvector, xml, pg_lsn, xid8, …
//   NULL                         null
//
// The text of a type does not depend on the session: TimeZone UTC, DateStyle ISO, IntervalStyle iso_8601,
// extra_float_digits 1, bytea_output hex while a page is encoded. Documents are UTF-8, whatever the database is.
//
// _id: the key's text (as psql shows it, in UTC); several keys are joined by ':', with '%' and ':' in them as %25 and
// %3A.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "core/error.hpp"
#include "pg/relation.hpp"

namespace etl::pg {

inline constexpr std::size_t kMaxIdBytes = 512;               // of the engines
inline constexpr std::size_t kMaxDocumentBytes = 100u << 20;  // http.max_content_length of a default server

// Encoded rows, on malloc: they outlive the transaction.
class Documents {
 public:
  Documents();
  ~Documents();
  Documents(Documents&& other) noexcept;
  Documents& operator=(Documents&& other) noexcept;

  std::size_t size() const;
  std::size_t bytes() const;  // of all lines
  // Both lines of a row, with their line breaks; empty if the row is dead. Valid until the next encode.
  std::string_view lines(std::size_t index) const;
  std::string_view document(std::size_t index) const;  // the second one, without the line break
  std::string_view id(std::size_t index) const;        // UTF-8, not escaped
  bool is_dead(std::size_t index) const;
  Error error(std::size_t index) const;  // why it is dead: PE010, PE011, 23502 or 22021
  void mark_dead(std::size_t index);     // by whoever gives the reason
  void append_dead();                    // a row whose encoding raised an error
  void clear();

  struct Data;
  Data* data() const { return data_; }

 private:
  Data* data_;
};

class DocumentEncoder {
 public:
  // In a transaction. Error 42703 when a key is not a column.
  DocumentEncoder(const std::vector<Column>& columns, const std::vector<std::string>& keys);
  ~DocumentEncoder();
  DocumentEncoder(const DocumentEncoder&) = delete;
  DocumentEncoder& operator=(const DocumentEncoder&) = delete;

  // Appends rows [from, until) of a page to `out`, in the page's transaction. A row that cannot be a document is dead
  // and the others go on; an Error is a type's own function that failed (or an interrupt), and `out` is as before.
  void encode(Relation& page, std::uint64_t from, std::uint64_t until, std::int64_t version, Documents& out);

  struct State;

 private:
  State* state_;
};

// What a mapping is made of. Kinds: those in brackets above.
struct DocumentField {
  std::string name;
  std::string kind;
  std::vector<DocumentField> children;  // kind object
};
std::vector<DocumentField> document_fields(const std::vector<Column>& columns);  // in a transaction

}  // namespace etl::pg

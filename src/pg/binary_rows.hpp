// Rows in the binary format of COPY, as PostgreSQL sends and takes them ("COPY", File Formats, Binary Format): 16 bits
// with the number of fields, and for each field 32 bits with its length (-1: NULL) and what the type's send function
// makes of it, in network byte order.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "pg/relation.hpp"

namespace etl::pg {

// Whether the type's binary form means the same on every server: types that PostgreSQL itself has, but those that hold
// OIDs. All others travel as text.
bool has_binary_form(unsigned type);
std::string travel_type(unsigned type, int typmod);  // as SQL: itself, or text

// The encoding in which text is in them, and whether a text is valid in it.
std::string database_encoding();
bool is_valid_text(std::string_view text);

// What the type's receive functions make of rows.
class BinaryReader {
 public:
  explicit BinaryReader(const Relation& shape);
  ~BinaryReader();
  BinaryReader(const BinaryReader&) = delete;
  BinaryReader& operator=(const BinaryReader&) = delete;

  // One message of COPY TO STDOUT: a row, before the first one the header, after the last one the trailer. Its bytes
  // are scratch, followed by one more. False: there is no row in it. Errors: a receive function's, 22P03.
  bool read(char* message, std::size_t size);
  // The row read last: to the end of a relation of that shape; whether its position is that of the relation's last row.
  void append(Relation& to);
  bool continues(const Relation& page) const;
  // Rows as BinaryRows has them, one behind the other, to the end of a relation. Their bytes are scratch.
  void append_all(char* rows, std::size_t size, Relation& to);

  struct State;

 private:
  State* state_;
  bool first_ = true;
};

// Rows as COPY FROM STDIN takes them.
class BinaryRows {
 public:
  std::size_t size() const { return ends_.size(); }
  std::size_t bytes() const { return bytes_.size(); }
  void clear();
  void add(const char* rows, const int* ends, std::size_t count);  // one behind the other, and where each ends
  static std::string header();
  static std::string trailer();
  std::string_view rows(std::size_t from, std::size_t until) const;  // [from, until), without header and trailer
  std::string_view rows() const { return bytes_; }                   // all

 private:
  std::string bytes_;
  std::vector<std::size_t> ends_;
};

// What the type's send functions make of a relation; text where the type has no binary form.
class BinaryWriter {
 public:
  explicit BinaryWriter(const std::vector<Column>& columns);
  ~BinaryWriter();
  BinaryWriter(const BinaryWriter&) = delete;
  BinaryWriter& operator=(const BinaryWriter&) = delete;

  // All rows of a relation with the columns that were given.
  void write(Relation& rows, BinaryRows& out);
  // Some after the others, from the first on. False: there are no more.
  void start(Relation& rows);
  bool next(BinaryRows& out);

  struct State;

 private:
  State* state_;
};

}  // namespace etl::pg

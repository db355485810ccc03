// Rows out of text: fields that the types' input functions read, appended to a relation.
#pragma once

#include <cstddef>
#include <span>
#include <string>

#include "pg/relation.hpp"

namespace etl::pg {

// NULL where text is nullptr. Ends with a NUL byte, which size does not count.
struct TextField {
  const char* text = nullptr;
  std::size_t size = 0;
};

class TextRows {
 public:
  // The fields of a row are those of `out`, in its order. encoding: of the text, as pg_client_encoding names it; what
  // is not valid in it is 22021. Error 22023 for one that is not known.
  TextRows(Relation& out, const std::string& encoding);
  ~TextRows();
  TextRows(const TextRows&) = delete;
  TextRows& operator=(const TextRows&) = delete;

  // Appends rows, one after the other in `fields`. Where a row cannot be read, the error's `column` names the column,
  // those before the row are appended, and failed() is its index; the caller's subtransaction has to be rolled back.
  void append(std::span<const TextField> fields, std::size_t rows);
  std::size_t failed() const { return failed_; }

 private:
  struct Inputs;

  Relation& out_;
  Inputs* inputs_;
  std::size_t failed_ = 0;
};

// The text in the database's encoding, and back. Error 22021 for what is not valid, 22P05 for what has no equivalent.
std::string from_encoding(const std::string& text, const std::string& encoding);
std::string to_encoding(const std::string& text, const std::string& encoding);

// Error 22023 unless there is such an encoding, in which the bytes of ASCII are only ever ASCII.
void want_text_encoding(const std::string& encoding);

}  // namespace etl::pg

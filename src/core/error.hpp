// The one error value of pg_etl.
//
// Every failure that crosses a room is an etl::Error: it carries what PostgreSQL's ErrorData carries, owned by C++, so
// that nothing of it is lost at the boundary (pg/guard.hpp) and the run log can store it whole.
#pragma once

#include <exception>
#include <string>
#include <string_view>

namespace etl {

class Error : public std::exception {
 public:
  // sqlstate: five characters; message: short, lower case, no period; detail and hint: full sentences or empty.
  Error(std::string_view sqlstate, std::string message, std::string detail = {}, std::string hint = {});

  const char* what() const noexcept override { return message.c_str(); }

  std::string sqlstate;
  std::string message;
  std::string detail;
  std::string hint;
  std::string context;  // PostgreSQL's CONTEXT, or ours: what was being done
  std::string schema;   // names of the objects that the error is about, as PostgreSQL reports them
  std::string table;
  std::string column;
  std::string datatype;
  std::string constraint;
  std::string query;  // SQL of the user's that the error points into, and the character, from 1; 0: nowhere
  int position = 0;
  std::string step;  // id of the pipeline's step in which it arose; empty: not known
};

// How a run answers an error (design.md 5): retry, stop or quarantine the row, or obey.
enum class ErrorClass {
  kTransient,  // may pass by itself: tried again with the same batch
  kData,       // a property of the rows: may be quarantined
  kPermanent,  // definition, rights, environment: the run fails at once
  kCancel,     // 57014, 57P01: never swallowed
};

// Decides by SQLSTATE alone. 57014 is kCancel: the caller that armed a statement timer turns its own into 57014's
// transient twin before it asks.
ErrorClass classify(std::string_view sqlstate);

}  // namespace etl

// What a feed reads pages of: rows in an order, from a position on.
//
// Two sources: a SELECT (sql_source.hpp), and the records of files (record_source.hpp).
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "catalog/files.hpp"
#include "core/error.hpp"
#include "pg/relation.hpp"

namespace etl::source {

// A record that is no row: it cannot be read, or its text does not fit its columns.
struct BadRecord {
  Error error;
  std::string record;  // JSON: the raw text, file and line
};

class PageSource {
 public:
  virtual ~PageSource() = default;

  // Plans or opens, in a transaction.
  virtual void open() = 0;
  // A page's relation. keep: it is read after its transaction.
  virtual std::unique_ptr<pg::Relation> make_page(bool keep) const = 0;
  // Waits for what others must send before `after` can be read on, outside of a transaction. What read() needs and has
  // not got, it gets itself.
  virtual void fetch(const std::optional<pg::Key>&) {}
  // Appends the rows after `after` to `page`, which is cleared first. False: nothing follows this page.
  virtual bool read(const std::optional<pg::Key>& after, pg::Relation& page) = 0;
  // The position behind the page read last; nothing: where it was.
  virtual std::optional<pg::Key> reached(const pg::Relation& page) const { return page.last_position(); }
  // The page read last is to be read again (its batch failed).
  virtual void again() = 0;
  // Of the page read last. Without quarantine the first one is thrown.
  virtual const std::vector<BadRecord>& bad() const = 0;

  // What else is to be remembered with the page read last.
  virtual const std::vector<catalog::FileState>& files() const = 0;

  // Whether pages leave rows out that have a NULL in an order or key column, so that they are to be looked for.
  virtual bool hides_null_keys(bool from_start) const = 0;
  virtual void read_null_keys(pg::Relation& page) = 0;

  // How many rows there are, as far as that can be known.
  virtual double rows_total() = 0;
  virtual const char* phase() const = 0;        // for etl.progress
  virtual std::string description() const = 0;  // what is read, for etl.explain, …
  virtual std::string way() const = 0;          // … and how
  virtual std::vector<std::string> explain() = 0;
};

}  // namespace etl::source

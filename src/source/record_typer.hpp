// Records become rows: their fields are read by the columns' input functions, many records at once. A record that
// cannot be read, or whose text does not fit, is thrown with its place, or kept as a bad one.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "file/record.hpp"
#include "pg/text_rows.hpp"
#include "source/page_source.hpp"

namespace etl::source {

class RecordTyper {
 public:
  enum class Kind { kFile, kPage };  // what place() names

  RecordTyper(Kind kind, std::string step, std::size_t columns, std::string encoding, bool quarantine,
              std::int64_t max_dead_letters)
      : kind_(kind),
        step_(std::move(step)),
        columns_(columns),
        encoding_(std::move(encoding)),
        quarantine_(quarantine),
        max_dead_letters_(max_dead_letters) {}

  // Where the records that follow come from: those that wait must have been typed.
  void set_place(std::string place) { place_ = std::move(place); }
  // Takes a record; what waits is typed when it is much.
  void take(const file::Record& record, pg::Relation& page);
  // Appends what waits to the page.
  void type(pg::Relation& page);
  std::size_t waiting() const { return records_.size(); }
  void refuse(const Error& error, std::string_view raw, std::uint64_t line);

  const std::vector<BadRecord>& bad() const { return bad_; }
  std::size_t bad_bytes() const { return bad_bytes_; }
  // Forgets the bad ones, and what waits since an error ended a page.
  void clear();

 private:
  struct Waiting {  // a record that is not typed yet
    std::string_view raw;
    std::uint64_t line;
  };

  void make_room(std::size_t bytes, pg::Relation& page);
  const char* keep(std::string_view text);
  void forget();

  Kind kind_;
  std::string step_;
  std::size_t columns_;
  std::string encoding_;
  bool quarantine_;
  std::int64_t max_dead_letters_;
  std::string place_;
  std::vector<Waiting> records_;
  std::vector<pg::TextField> fields_;  // of all of them
  std::unique_ptr<char[]> text_;       // that they point into
  std::size_t capacity_ = 0;
  std::size_t used_ = 0;
  std::vector<BadRecord> bad_;
  std::size_t bad_bytes_ = 0;  // of their records
};

}  // namespace etl::source

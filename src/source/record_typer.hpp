// Records become rows: their fields are read by the columns' input functions, many records at once. A record that
// cannot be read, or whose text does not fit, is thrown with its place, or kept as a bad one.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "file/record.hpp"
#include "source/page_source.hpp"

namespace etl::source {

class RecordTyper {
 public:
  enum class Kind { kFile, kPage };  // what place() names

  RecordTyper(Kind kind, std::string step, std::size_t columns, std::string encoding, bool quarantine)
      : kind_(kind),
        step_(std::move(step)),
        columns_(columns),
        encoding_(std::move(encoding)),
        quarantine_(quarantine) {}

  // Where the records that follow come from: those that wait must have been typed.
  void set_place(std::string place) { place_ = std::move(place); }
  // Takes a record; what waits is typed when it is much.
  void take(const file::Record& record, pg::Relation& page);
  // Appends what waits to the page.
  void type(pg::Relation& page);
  std::size_t waiting() const { return pending_.lines.size(); }
  void refuse(const Error& error, std::string_view raw, std::uint64_t line);

  const std::vector<BadRecord>& bad() const { return bad_; }
  void clear() { bad_.clear(); }

 private:
  struct Pending {                    // records that are not typed yet
    std::vector<std::size_t> raw_at;  // of each record, in `text`
    std::vector<std::size_t> raw_size;
    std::vector<std::uint64_t> lines;
    std::vector<char> text;
    std::vector<std::size_t> field_at;  // SIZE_MAX: NULL
    std::vector<std::size_t> field_size;
  };

  Kind kind_;
  std::string step_;
  std::size_t columns_;
  std::string encoding_;
  bool quarantine_;
  std::string place_;
  Pending pending_;
  std::vector<BadRecord> bad_;
};

}  // namespace etl::source

// Bodies of bulk requests, cut from encoded rows by bytes and by items, and the rows in them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "pg/document.hpp"

namespace etl::sink {

struct BulkRow {
  std::uint64_t index = 0;  // of the row in its page
  std::size_t begin = 0;    // of its two lines in the body
  std::size_t end = 0;
  std::string id;
};

struct BulkBody {
  std::shared_ptr<const std::string> text;  // what is sent; shared, so that a retry sends the identical bytes
  std::vector<BulkRow> rows;

  std::string_view document(std::size_t row) const;  // the second line, without its line break
};

// Marks all but the last row of each _id dead: one request holds one version of a document. Returns how many.
std::uint64_t drop_superseded(pg::Documents& documents);

// The rows that are not dead. A row over max_bytes has a body of its own.
std::vector<BulkBody> cut_bodies(const pg::Documents& documents, std::size_t max_bytes, std::size_t max_items);

// A body of some rows of another, ascending.
BulkBody pick_rows(const BulkBody& body, const std::vector<std::size_t>& rows);

}  // namespace etl::sink

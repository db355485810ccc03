#include "sink/bulk_body.hpp"

#include <unordered_set>

namespace etl::sink {

std::string_view BulkBody::document(std::size_t row) const {
  const std::string_view lines = std::string_view(*text).substr(rows[row].begin, rows[row].end - rows[row].begin);
  const std::size_t second = lines.find('\n') + 1;
  return lines.substr(second, lines.size() - second - 1);
}

std::uint64_t drop_superseded(pg::Documents& documents) {
  std::uint64_t dropped = 0;
  std::unordered_set<std::string_view> seen;
  seen.reserve(documents.size());
  for (std::size_t i = documents.size(); i-- > 0;) {
    if (documents.is_dead(i) || seen.insert(documents.id(i)).second) continue;
    documents.mark_dead(i);
    ++dropped;
  }
  return dropped;
}

std::vector<BulkBody> cut_bodies(const pg::Documents& documents, std::size_t max_bytes, std::size_t max_items) {
  std::vector<BulkBody> bodies;
  auto text = std::make_shared<std::string>();
  std::vector<BulkRow> rows;
  const auto close = [&] {
    if (rows.empty()) return;
    bodies.push_back({std::move(text), std::move(rows)});
    text = std::make_shared<std::string>();
    rows.clear();
  };
  for (std::size_t i = 0; i < documents.size(); ++i) {
    const std::string_view lines = documents.lines(i);
    if (lines.empty()) continue;
    if (text->size() + lines.size() > max_bytes || rows.size() >= max_items) close();
    if (rows.empty()) text->reserve(std::max(lines.size(), std::min(max_bytes, documents.bytes())));
    rows.push_back({i, text->size(), text->size() + lines.size(), std::string(documents.id(i))});
    text->append(lines);
  }
  close();
  return bodies;
}

BulkBody pick_rows(const BulkBody& body, const std::vector<std::size_t>& rows) {
  auto text = std::make_shared<std::string>();
  BulkBody picked;
  for (const std::size_t row : rows) {
    const BulkRow& from = body.rows[row];
    picked.rows.push_back({from.index, text->size(), text->size() + (from.end - from.begin), from.id});
    text->append(*body.text, from.begin, from.end - from.begin);
  }
  picked.text = std::move(text);
  return picked;
}

}  // namespace etl::sink

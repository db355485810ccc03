#include "core/nearest.hpp"

#include <algorithm>

namespace etl {

namespace {

constexpr std::size_t kLongest = 256;  // bytes of a name that is compared or listed
constexpr std::size_t kMostListed = 4096;

// Levenshtein's distance, in one row.
std::size_t distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  for (std::size_t j = 0; j <= b.size(); ++j) row[j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    std::size_t diagonal = row[0];
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t above = row[j];
      row[j] = std::min({row[j] + 1, row[j - 1] + 1, diagonal + (a[i - 1] == b[j - 1] ? 0U : 1U)});
      diagonal = above;
    }
  }
  return row[b.size()];
}

}  // namespace

std::string did_you_mean(std::string_view wrong, const std::vector<std::string_view>& known) {
  std::string_view best;
  std::size_t least = wrong.size() / 2 + 1;
  for (const std::string_view name : known) {
    if (wrong.size() > kLongest) break;
    if (name.size() > kLongest) continue;
    const std::size_t d = distance(wrong, name);
    if (d < least) {
      least = d;
      best = name;
    }
  }
  if (!best.empty()) return "Did you mean \"" + std::string(best) + "\"?";
  std::string all;
  for (const std::string_view name : known) {
    if (name.size() > kLongest) continue;
    if (all.size() > kMostListed) {
      all += ", …";
      break;
    }
    all += (all.empty() ? "" : ", ") + std::string(name);
  }
  return "Known are: " + all + ".";
}

}  // namespace etl

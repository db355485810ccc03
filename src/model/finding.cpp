#include "model/finding.hpp"

namespace etl::model {

void throw_errors(const std::vector<Finding>& findings) {
  const Finding* first = nullptr;
  std::string others;
  for (const Finding& finding : findings) {
    if (finding.severity != "error") continue;
    if (first == nullptr) {
      first = &finding;
    } else {
      others += "\nAlso: " + finding.message + (finding.detail.empty() ? "" : ". " + finding.detail);
    }
  }
  if (first == nullptr) return;
  std::string detail = first->detail + others;
  if (detail.starts_with('\n')) detail.erase(0, 1);
  throw Error(first->sqlstate, first->message, detail, first->hint);
}

}  // namespace etl::model

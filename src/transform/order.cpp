#include "transform/order.hpp"

#include <algorithm>

#include "transform/columns.hpp"

namespace etl::transform {

namespace {

bool is_space(char c) {
  return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

char lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

// Takes a word, which stands behind a space, and that space off the end of the text.
bool take_last(std::string_view& text, std::string_view word) {
  if (text.size() <= word.size() || !is_space(text[text.size() - word.size() - 1])) return false;
  const std::string_view end = text.substr(text.size() - word.size());
  if (!std::equal(end.begin(), end.end(), word.begin(), [](char a, char b) { return lower(a) == b; })) return false;
  text.remove_suffix(word.size());
  while (!text.empty() && is_space(text.back())) text.remove_suffix(1);
  return true;
}

OrderTerm read_term(std::string_view text, const Input& input) {
  if (find_column(input, text) != nullptr) return {std::string(text), false, false};
  std::string_view rest = text;
  const bool first = take_last(rest, "first");
  const bool last = !first && take_last(rest, "last");
  if ((first || last) && !take_last(rest, "nulls")) rest = text;
  OrderTerm term;
  term.descending = take_last(rest, "desc");
  if (!term.descending) (void)take_last(rest, "asc");
  term.nulls_first = first || (term.descending && !last);
  term.column = want_column(input, rest).name;
  return term;
}

}  // namespace

std::vector<OrderTerm> read_order(const Call& call, const char* param, const Input& input) {
  std::vector<OrderTerm> order;
  const auto found = call.params.FindMember(param);
  if (found == call.params.MemberEnd()) return order;
  if (found->value.IsString()) return {read_term(json::text(found->value), input)};
  for (const json::Value& item : found->value.GetArray()) order.push_back(read_term(json::text(item), input));
  return order;
}

std::string order_list(const std::vector<OrderTerm>& order, const Input& input, bool reversed) {
  std::string list;
  for (const OrderTerm& term : order) {
    list += (list.empty() ? "" : ", ") + qualified(input, term.column);
    list += term.descending != reversed ? " DESC" : " ASC";
    list += term.nulls_first != reversed ? " NULLS FIRST" : " NULLS LAST";
  }
  return list;
}

}  // namespace etl::transform

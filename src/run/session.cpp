#include "run/session.hpp"

#include <utility>

#include "pg/role.hpp"
#include "pg/transaction.hpp"

namespace etl::run {

namespace {

// Under which a value's text is read again as the same value.
constexpr std::pair<const char*, const char*> kFormats[] = {
    {"DateStyle", "ISO, YMD"},   {"IntervalStyle", "postgres"}, {"bytea_output", "hex"},
    {"extra_float_digits", "1"}, {"xmlbinary", "base64"},       {"array_nulls", "on"},
};

}  // namespace

void pin_formats() {
  for (const auto& [name, value] : kFormats) pg::set_local(name, value);
}

void pin_session(const model::Definition& definition) {
  pg::begin();
  pg::set_session("search_path", definition.search_path);
  for (const auto& [name, value] : kFormats) pg::set_session(name, value);
  pg::set_session("default_transaction_isolation", "read committed");
  pg::set_session("default_transaction_read_only", "off");
  pg::set_session("default_transaction_deferrable", "off");
  pg::set_session("standard_conforming_strings", "on");
  pg::commit(false);
}

}  // namespace etl::run

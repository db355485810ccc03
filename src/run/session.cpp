#include "run/session.hpp"

#include "pg/role.hpp"
#include "pg/transaction.hpp"

namespace etl::run {

void pin_session(const model::Definition& definition) {
  pg::begin();
  pg::set_session("search_path", definition.search_path);
  pg::set_session("DateStyle", "ISO, YMD");
  pg::set_session("IntervalStyle", "postgres");
  pg::set_session("extra_float_digits", "1");
  pg::set_session("bytea_output", "hex");
  pg::set_session("default_transaction_isolation", "read committed");
  pg::set_session("default_transaction_read_only", "off");
  pg::set_session("default_transaction_deferrable", "off");
  pg::set_session("xmlbinary", "base64");
  pg::commit(false);
}

}  // namespace etl::run

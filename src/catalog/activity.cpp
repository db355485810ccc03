#include "catalog/activity.hpp"

#include "pg/spi.hpp"
#include "pg/transaction.hpp"

namespace etl::catalog {

namespace {

// A writer takes RowExclusiveLock before its row's defaults are computed, and keeps it until its transaction ends: on
// the table it names, which may be any that inherits from the source's (partitions are such too).
#define ETL_WRITE_LOCKS                                                                                              \
  "SELECT l.virtualtransaction, l.pid FROM pg_locks l WHERE l.locktype = 'relation' AND l.mode = 'RowExclusiveLock'" \
  " AND l.granted AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())"                 \
  " AND l.pid IS DISTINCT FROM pg_backend_pid() AND l.relation IN (WITH RECURSIVE t AS (SELECT o.oid FROM"           \
  " unnest($1::oid[]) AS o(oid) UNION SELECT i.inhrelid FROM pg_inherits i JOIN t ON i.inhparent = t.oid) TABLE t)"

std::string oid_array(const std::vector<unsigned>& oids) {
  std::string list = "{";
  for (const unsigned oid : oids) list += (list.size() > 1 ? "," : "") + std::to_string(oid);
  return list + "}";
}

std::string transaction_array(const std::vector<Holder>& holders) {
  std::string list = "{";
  for (const Holder& holder : holders) list += (list.size() > 1 ? "," : "") + holder.transaction;
  return list + "}";
}

std::vector<Holder> holders_of(const pg::Rows& rows) {
  std::vector<Holder> all;
  for (const pg::Row& row : rows) {
    Holder holder;
    holder.transaction = *row[0];
    if (row[1]) holder.pid = std::stoi(*row[1]);
    holder.since = row[2];
    all.push_back(holder);
  }
  return all;
}

// Sessions and locks are read one after the other: a transaction that begins or ends in between shows a lock without a
// start, and on a busy server some transaction always does. Looked at again, it has its start or is gone; what is left
// hides its start. `look` takes the virtual transactions to look at (none: all) and returns those without a start.
template <class Look>
std::vector<Holder> hidden_after(Look look) {
  constexpr int kLooks = 3;
  pg::Text only;
  for (int i = 1;; ++i) {
    (void)pg::catalog_query_latest("SELECT pg_stat_clear_snapshot()");
    std::vector<Holder> hidden = look(only);
    if (hidden.empty() || i == kLooks) return hidden;
    only = transaction_array(hidden);
  }
}

}  // namespace

Oldest oldest_transaction(const std::vector<unsigned>& tables) {
  Oldest oldest;
  oldest.taken_us = pg::now_us();
  oldest.start_us = oldest.taken_us;
  const std::vector<Holder> hidden = hidden_after([&](const pg::Text& only) {
    std::vector<Holder> without_start;
    // Vacuum and walsenders write no rows that a source reads.
    for (const pg::Row& row : pg::catalog_query_latest(
             "SELECT l.virtualxid, a.pid, (extract(epoch FROM a.xact_start) * 1e6)::bigint"
             " FROM pg_stat_get_activity(NULL) a JOIN pg_locks l ON l.pid = a.pid AND l.locktype = 'virtualxid'"
             " AND l.mode = 'ExclusiveLock' AND l.granted"
             " WHERE a.datid = (SELECT oid FROM pg_database WHERE datname = current_database())"
             " AND a.pid <> pg_backend_pid() AND a.backend_type NOT IN ('autovacuum worker', 'walsender')"
             " AND ($1::text[] IS NULL OR l.virtualxid = ANY($1::text[]))",
             {only})) {
      const int pid = std::stoi(*row[1]);
      if (!row[2]) {
        without_start.push_back({*row[0], pid, std::nullopt});
      } else if (std::stoll(*row[2]) < oldest.start_us) {
        oldest.start_us = std::stoll(*row[2]);
        oldest.pid = pid;
      }
    }
    return without_start;
  });
  if (!hidden.empty()) {
    oldest.unknown = true;
    oldest.pid = hidden.front().pid;
  }
  for (const pg::Row& row : pg::catalog_query_latest(
           // Its locks have no pid, and the virtual transaction of the session that prepared it, or -1/xid after a
           // restart.
           "SELECT DISTINCT p.gid FROM pg_prepared_xacts p JOIN pg_locks x ON x.locktype = 'transactionid'"
           " AND x.transactionid = p.transaction AND x.pid IS NULL WHERE p.database = current_database()"
           " AND x.virtualtransaction IN (SELECT w.virtualtransaction FROM (" ETL_WRITE_LOCKS
           ") w WHERE w.pid IS NULL)",
           {oid_array(tables)})) {
    oldest.prepared.push_back(*row[0]);
  }
  return oldest;
}

std::vector<Holder> write_holders(const std::vector<unsigned>& tables) {
  return holders_of(pg::catalog_query_latest(
      "SELECT DISTINCT ON (w.virtualtransaction) w.virtualtransaction, w.pid, a.xact_start FROM (" ETL_WRITE_LOCKS
      ") w"
      " LEFT JOIN pg_stat_get_activity(NULL) a ON a.pid = w.pid",
      {oid_array(tables)}));
}

std::vector<Holder> holders_older_than(const std::vector<unsigned>& tables, std::int64_t ms) {
  std::vector<Holder> old;
  const std::vector<Holder> hidden = hidden_after([&](const pg::Text& only) {
    std::vector<Holder> without_start;
    for (const Holder& holder :
         holders_of(pg::catalog_query_latest("SELECT DISTINCT ON (w.virtualtransaction) w.virtualtransaction, w.pid, "
                                             "a.xact_start FROM (" ETL_WRITE_LOCKS ") w"
                                             " LEFT JOIN pg_stat_get_activity(NULL) a ON a.pid = w.pid"
                                             " WHERE (w.pid IS NULL OR a.xact_start IS NULL"
                                             " OR a.xact_start < clock_timestamp() - $2::float8 * interval '1 ms')"
                                             " AND ($3::text[] IS NULL OR w.virtualtransaction = ANY($3::text[]))",
                                             {oid_array(tables), std::to_string(ms), only}))) {
      (holder.pid && !holder.since ? without_start : old).push_back(holder);
    }
    return without_start;
  });
  old.insert(old.end(), hidden.begin(), hidden.end());
  return old;
}

std::string timestamp_text(std::int64_t us) {
  return *pg::catalog_query("SELECT 'epoch'::timestamptz + $1::bigint * interval '1 microsecond'", {std::to_string(us)})
              .at(0)[0];
}

}  // namespace etl::catalog

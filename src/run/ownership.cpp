#include "run/ownership.hpp"

#include "pg/spi.hpp"

namespace etl::run {

namespace {

// The tables $1 with their partitions and children. If they are written ($2), those that a foreign key's action writes
// with them; and those that a foreign key only looks at, on either side: its query is planned with their owner's
// rights, but not in a security-restricted operation, so that a function in an index may leave a deferred trigger
// behind.
//
// From an object to what is attached to it (constraints, indexes, statistics; if it is written defaults, triggers and
// policies) and from each of those to what it uses, by pg_depend; PostgreSQL's own objects stand in no dependency.
// Array types and row types name their parts themselves.
constexpr char kReach[] = R"(
WITH RECURSIVE written (oid) AS (
  SELECT pg_catalog.unnest($1::pg_catalog.oid[])
  UNION SELECT next.oid FROM written t CROSS JOIN LATERAL (
    SELECT i.inhrelid FROM pg_inherits i WHERE i.inhparent = t.oid
    UNION ALL SELECT c.conrelid FROM pg_constraint c WHERE $2::bool AND c.confrelid = t.oid AND c.contype = 'f'
      AND (c.confdeltype IN ('c', 'n', 'd') OR c.confupdtype IN ('c', 'n', 'd'))
  ) AS next (oid)
), looked_at (oid) AS (
  SELECT key.oid FROM written t CROSS JOIN LATERAL (
    SELECT c.confrelid FROM pg_constraint c WHERE c.conrelid = t.oid AND c.contype = 'f'
    UNION ALL SELECT c.conrelid FROM pg_constraint c WHERE c.confrelid = t.oid AND c.contype = 'f'
  ) AS key (oid) WHERE $2::bool
  UNION SELECT i.inhrelid FROM looked_at t JOIN pg_inherits i ON i.inhparent = t.oid
), tree (oid) AS (SELECT oid FROM written UNION SELECT oid FROM looked_at), object (class, id) AS (
  SELECT 'pg_class'::regclass::oid, oid FROM tree
  UNION SELECT 'pg_type'::regclass::oid, pg_catalog.unnest($3::oid[])
  UNION SELECT 'pg_proc'::regclass::oid, pg_catalog.unnest($4::oid[])
  UNION SELECT next.class, next.id FROM object o CROSS JOIN LATERAL (
    SELECT d.classid, d.objid FROM pg_depend d
    WHERE d.refclassid = o.class AND d.refobjid = o.id AND d.deptype IN ('a', 'i', 'n', 'P', 'S')
      AND o.class IN ('pg_class'::regclass, 'pg_type'::regclass)
      AND (d.classid IN ('pg_attrdef'::regclass, 'pg_trigger'::regclass, 'pg_policy'::regclass) AND $2::bool
             AND (o.class <> 'pg_class'::regclass OR o.id IN (SELECT oid FROM written))
           OR d.classid IN ('pg_constraint'::regclass, 'pg_statistic_ext'::regclass) AND d.deptype IN ('a', 'i')
           OR d.classid = 'pg_class'::regclass AND EXISTS (SELECT FROM pg_index x WHERE x.indexrelid = d.objid))
    UNION ALL
    SELECT d.refclassid, d.refobjid FROM pg_depend d
    WHERE d.classid = o.class AND d.objid = o.id
      AND d.refclassid IN ('pg_proc'::regclass, 'pg_type'::regclass, 'pg_operator'::regclass)
    UNION ALL
    SELECT 'pg_type'::regclass, y.typelem FROM pg_type y
    WHERE o.class = 'pg_type'::regclass AND y.oid = o.id AND y.typelem <> 0
    UNION ALL
    SELECT 'pg_class'::regclass, y.typrelid FROM pg_type y
    WHERE o.class = 'pg_type'::regclass AND y.oid = o.id AND y.typrelid <> 0
  ) AS next (class, id)
), owned (class, id, owner) AS (
  SELECT o.class, o.id, CASE o.class  -- by index: joins would read these catalogs whole
    WHEN 'pg_class'::regclass THEN (SELECT c.relowner FROM pg_class c WHERE c.oid = o.id)
    WHEN 'pg_proc'::regclass THEN (SELECT f.proowner FROM pg_proc f WHERE f.oid = o.id)
    WHEN 'pg_type'::regclass THEN (SELECT y.typowner FROM pg_type y WHERE y.oid = o.id)
    WHEN 'pg_operator'::regclass THEN (SELECT p.oprowner FROM pg_operator p WHERE p.oid = o.id) END
  FROM object o
)
SELECT oid, NULL::text FROM tree
UNION ALL (SELECT NULL, pg_catalog.pg_describe_object(w.class, w.id, 0) FROM owned w JOIN pg_roles r ON r.oid = w.owner
           WHERE NOT r.rolsuper ORDER BY w.class, w.id LIMIT 1)
ORDER BY 1)";

std::string array_of(const std::vector<unsigned>& oids) {
  std::string text = "{";
  for (const unsigned oid : oids) text += (text.size() > 1 ? "," : "") + std::to_string(oid);
  return text + "}";
}

}  // namespace

Reach reach_of(const std::vector<unsigned>& tables, bool written, const std::vector<unsigned>& types,
               const std::vector<unsigned>& functions) {
  Reach reach;
  for (const pg::Row& row : pg::catalog_query(
           kReach, {array_of(tables), written ? "true" : "false", array_of(types), array_of(functions)})) {
    if (row[0]) {
      reach.tables.push_back(static_cast<unsigned>(std::stoul(*row[0])));
    } else {
      reach.foreign = row[1].value_or("an object that was dropped");
    }
  }
  return reach;
}

}  // namespace etl::run

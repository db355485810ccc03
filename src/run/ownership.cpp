#include "run/ownership.hpp"

#include "pg/spi.hpp"

namespace etl::run {

namespace {

// From an object to what is attached to it (constraints, defaults, triggers, policies, indexes) and from each of those
// to what it uses, by pg_depend; PostgreSQL's own objects stand in no dependency. Array types and row types name their
// parts themselves. A foreign key is followed to the table that its action writes, and no further: its own triggers are
// PostgreSQL's.
constexpr char kTree[] = R"(
WITH RECURSIVE tree (oid) AS (
  SELECT pg_catalog.unnest($1::pg_catalog.oid[])
  UNION SELECT next.oid FROM tree t CROSS JOIN LATERAL (
    SELECT i.inhrelid FROM pg_inherits i WHERE i.inhparent = t.oid
    UNION ALL SELECT c.conrelid FROM pg_constraint c WHERE c.confrelid = t.oid AND c.contype = 'f'
      AND (c.confdeltype IN ('c', 'n', 'd') OR c.confupdtype IN ('c', 'n', 'd'))
  ) AS next (oid)
))";
constexpr char kForeign[] = R"(, object (class, id) AS (
  SELECT 'pg_class'::regclass::oid, oid FROM tree
  UNION SELECT 'pg_type'::regclass::oid, pg_catalog.unnest($2::oid[])
  UNION SELECT 'pg_proc'::regclass::oid, pg_catalog.unnest($3::oid[])
  UNION SELECT next.class, next.id FROM object o CROSS JOIN LATERAL (
    SELECT d.classid, d.objid FROM pg_depend d
    WHERE d.refclassid = o.class AND d.refobjid = o.id AND d.deptype IN ('a', 'i', 'n', 'P', 'S')
      AND o.class IN ('pg_class'::regclass, 'pg_type'::regclass)
      AND (d.classid IN ('pg_attrdef'::regclass, 'pg_trigger'::regclass, 'pg_policy'::regclass)
           OR d.classid = 'pg_constraint'::regclass AND d.deptype IN ('a', 'i')
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
SELECT pg_catalog.pg_describe_object(w.class, w.id, 0) FROM owned w JOIN pg_roles r ON r.oid = w.owner
WHERE NOT r.rolsuper ORDER BY w.class, w.id LIMIT 1)";

std::string array_of(const std::vector<unsigned>& oids) {
  std::string text = "{";
  for (const unsigned oid : oids) text += (text.size() > 1 ? "," : "") + std::to_string(oid);
  return text + "}";
}

}  // namespace

std::string foreign_object(const std::vector<unsigned>& tables, const std::vector<unsigned>& types,
                           const std::vector<unsigned>& functions) {
  static const std::string sql = std::string(kTree) + kForeign;
  const pg::Rows found = pg::catalog_query(sql.c_str(), {array_of(tables), array_of(types), array_of(functions)});
  return found.empty() ? std::string() : found[0][0].value_or("an object that was dropped");
}

std::vector<unsigned> written_with(unsigned table) {
  static const std::string sql = std::string(kTree) + " SELECT oid FROM tree ORDER BY oid";
  std::vector<unsigned> tables;
  for (const pg::Row& row : pg::catalog_query(sql.c_str(), {array_of({table})})) {
    tables.push_back(static_cast<unsigned>(std::stoul(*row[0])));
  }
  return tables;
}

}  // namespace etl::run

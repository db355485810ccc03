#include "pg/target.hpp"

#include "pg/guard.hpp"
#include "pg/headers.hpp"

extern "C" {
#include "access/genam.h"
#include "access/htup_details.h"
#include "access/relation.h"
#include "access/table.h"
#include "catalog/index.h"
#include "catalog/namespace.h"
#include "catalog/pg_attribute.h"
#include "catalog/pg_class.h"
#include "catalog/pg_index.h"
#include "utils/acl.h"
#include "utils/lsyscache.h"
#include "utils/regproc.h"
#include "utils/rel.h"
#include "utils/relcache.h"
#include "utils/syscache.h"
#include "utils/varlena.h"
}

namespace etl::pg {

namespace {

// C only.
List* name_parts(const char* name) {
  return stringToQualifiedNameList(name
#if PG_VERSION_NUM >= 160000
                                   ,
                                   nullptr
#endif
  );
}

// C only. InvalidOid when there is no such relation.
Oid look_up(const char* name) {
  return RangeVarGetRelid(makeRangeVarFromNameList(name_parts(name)), NoLock, true);
}

bool is_usable_unique(Form_pg_index index) {
  return index->indisunique && index->indisvalid && index->indimmediate && index->indislive;
}

// C only. The index's columns are exactly the `count` numbers in `wanted`, in any order.
bool covers(HeapTuple tuple, const AttrNumber* wanted, int count) {
  auto* index = reinterpret_cast<Form_pg_index>(GETSTRUCT(tuple));
  if (index->indnkeyatts != count || !heap_attisnull(tuple, Anum_pg_index_indpred, nullptr)) return false;
  for (int i = 0; i < count; ++i) {
    bool found = false;
    for (int j = 0; j < count; ++j) found = found || index->indkey.values[j] == wanted[i];
    if (!found) return false;
  }
  return true;
}

struct Keys {
  int primary_count;
  AttrNumber primary[INDEX_MAX_KEYS];
  bool unique;
};

Keys read_keys(RelationData* relation, const AttrNumber* wanted, int count) {
  Keys keys{};
  List* indexes = RelationGetIndexList(relation);
  ListCell* cell;
  foreach (cell, indexes) {
    HeapTuple tuple = SearchSysCache1(INDEXRELID, ObjectIdGetDatum(lfirst_oid(cell)));
    if (!HeapTupleIsValid(tuple)) continue;
    auto* index = reinterpret_cast<Form_pg_index>(GETSTRUCT(tuple));
    if (index->indisprimary && index->indisvalid) {
      keys.primary_count = index->indnkeyatts;
      for (int i = 0; i < index->indnkeyatts; ++i) keys.primary[i] = index->indkey.values[i];
    }
    if (is_usable_unique(index) && covers(tuple, wanted, count)) keys.unique = true;
    ReleaseSysCache(tuple);
  }
  return keys;
}

TargetColumn column_of(TupleDesc shape, int i) {
  Form_pg_attribute a = TupleDescAttr(shape, i);
  TargetColumn column;
  column.name = NameStr(a->attname);
  column.type = a->atttypid;
  column.typmod = a->atttypmod;
  column.collation = a->attcollation;
  column.not_null = a->attnotnull;
  column.has_default = a->atthasdef || a->attidentity != '\0';
  column.generated = a->attgenerated != '\0';
  column.identity_always = a->attidentity == ATTRIBUTE_IDENTITY_ALWAYS;
  return column;
}

}  // namespace

std::optional<TargetTable> find_target(const std::string& name, const std::vector<std::string>& key) {
  const char* text = name.c_str();
  RelationData* relation = call([&]() -> RelationData* {
    const Oid oid = look_up(text);
    return OidIsValid(oid) ? try_relation_open(oid, RowExclusiveLock) : nullptr;
  });
  if (relation == nullptr) return std::nullopt;
  TargetTable table;
  table.oid = RelationGetRelid(relation);
  table.owner = relation->rd_rel->relowner;
  table.kind = relation->rd_rel->relkind;
  table.has_rules = relation->rd_rules != nullptr;  // relhasrules stays set after DROP RULE, until VACUUM
  struct Names {
    char* quoted;
    char* schema;
    char* table;
  } names = call([&] {
    char* schema = get_namespace_name(RelationGetNamespace(relation));
    return Names{quote_qualified_identifier(schema, RelationGetRelationName(relation)), schema,
                 RelationGetRelationName(relation)};
  });
  table.name = names.quoted;
  table.plain_name = std::string(names.schema) + "." + names.table;
  TupleDesc shape = RelationGetDescr(relation);
  std::vector<AttrNumber> wanted;
  for (int i = 0; i < shape->natts; ++i) {
    if (TupleDescAttr(shape, i)->attisdropped) continue;
    table.columns.push_back(column_of(shape, i));
    for (const std::string& k : key) {
      if (k == table.columns.back().name) wanted.push_back(static_cast<AttrNumber>(i + 1));
    }
  }
  const AttrNumber* numbers = wanted.data();
  const int count = static_cast<int>(wanted.size());
  const Keys keys = call([&] { return read_keys(relation, numbers, count); });
  table.key_is_unique = count > 0 && wanted.size() == key.size() && keys.unique;
  for (int i = 0; i < keys.primary_count; ++i) {
    if (keys.primary[i] > 0)
      table.primary_key.emplace_back(NameStr(TupleDescAttr(shape, keys.primary[i] - 1)->attname));
  }
  call([&] { relation_close(relation, NoLock); });
  return table;
}

std::string quoted_target(const std::string& name) {
  const char* text = name.c_str();
  return call([&] { return NameListToQuotedString(name_parts(text)); });
}

std::string missing_privilege(unsigned role, unsigned table) {
  struct Right {
    AclMode mode;
    const char* name;
  };
  for (const Right right : {Right{ACL_SELECT, "SELECT"}, Right{ACL_INSERT, "INSERT"}, Right{ACL_UPDATE, "UPDATE"}}) {
    if (call([&] { return pg_class_aclcheck(table, role, right.mode); }) != ACLCHECK_OK) return right.name;
  }
  return {};
}

std::string kind_in_words(char relkind) {
  switch (relkind) {
    case RELKIND_VIEW:
      return "a view";
    case RELKIND_MATVIEW:
      return "a materialized view";
    case RELKIND_FOREIGN_TABLE:
      return "a foreign table";
    case RELKIND_INDEX:
    case RELKIND_PARTITIONED_INDEX:
      return "an index";
    case RELKIND_SEQUENCE:
      return "a sequence";
    case RELKIND_COMPOSITE_TYPE:
      return "a composite type";
    default:
      return "not a table";
  }
}

}  // namespace etl::pg

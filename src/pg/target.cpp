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
#include "catalog/objectaddress.h"
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

struct Privilege {
  unsigned bit;
  AclMode mode;
  const char* name;
};
constexpr Privilege kPrivileges[] = {{kSelect, ACL_SELECT, "SELECT"},
                                     {kInsert, ACL_INSERT, "INSERT"},
                                     {kUpdate, ACL_UPDATE, "UPDATE"},
                                     {kDelete, ACL_DELETE, "DELETE"}};

// C only. What of the privileges the role lacks, or NULL.
const char* lacking(Oid role, Oid table, unsigned privileges) {
  for (const Privilege& p : kPrivileges) {
    if ((privileges & p.bit) != 0 && pg_class_aclcheck(table, role, p.mode) != ACLCHECK_OK) return p.name;
  }
  return nullptr;
}

// C only. PostgreSQL calls it before it locks what the name means: nobody waits for a lock that is not his to take.
void want_privileges(const RangeVar* name, Oid table, Oid, void* privileges) {
  if (!OidIsValid(table) || lacking(GetUserId(), table, *static_cast<unsigned*>(privileges)) == nullptr) return;
  aclcheck_error(ACLCHECK_NO_PRIV, get_relkind_objtype(get_rel_relkind(table)), name->relname);
}

// C only. InvalidOid when there is no such relation.
Oid look_up(const char* name, LOCKMODE lock, unsigned privileges) {
  return RangeVarGetRelidExtended(makeRangeVarFromNameList(name_parts(name)), lock, RVR_MISSING_OK,
                                  lock == NoLock ? nullptr : want_privileges, &privileges);
}

struct Head {
  Oid oid;
  Oid owner;
  char kind;
  char* quoted;
  char* schema;
  char* table;
};

// C only. No oid when it is gone.
Head read_head(Oid oid) {
  HeapTuple tuple = SearchSysCache1(RELOID, ObjectIdGetDatum(oid));
  if (!HeapTupleIsValid(tuple)) return {};
  auto* row = reinterpret_cast<Form_pg_class>(GETSTRUCT(tuple));
  Head head{
      oid, row->relowner, row->relkind, nullptr, get_namespace_name(row->relnamespace), pstrdup(NameStr(row->relname))};
  ReleaseSysCache(tuple);
  if (head.schema == nullptr) return {};
  head.quoted = quote_qualified_identifier(head.schema, head.table);
  return head;
}

TargetTable table_of(const Head& head) {
  TargetTable table;
  table.oid = head.oid;
  table.owner = head.owner;
  table.kind = head.kind;
  table.name = head.quoted;
  table.plain_name = std::string(head.schema) + "." + head.table;
  return table;
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

std::optional<TargetTable> look_up_target(const std::string& name) {
  const char* text = name.c_str();
  const Head head = call([&] { return read_head(look_up(text, NoLock, 0)); });
  if (!OidIsValid(head.oid)) return std::nullopt;
  return table_of(head);
}

std::optional<TargetTable> find_target(const std::string& name, const std::vector<std::string>& key,
                                       unsigned privileges) {
  const char* text = name.c_str();
  struct Open {
    RelationData* relation;
    Head head;
  } const open = call([&]() -> Open {
    const Oid oid = look_up(text, RowExclusiveLock, privileges);
    RelationData* opened = OidIsValid(oid) ? try_relation_open(oid, NoLock) : nullptr;
    return {opened, opened != nullptr ? read_head(oid) : Head{}};
  });
  RelationData* relation = open.relation;
  if (relation == nullptr) return std::nullopt;
  TargetTable table = table_of(open.head);
  table.has_rules = relation->rd_rules != nullptr;  // relhasrules stays set after DROP RULE, until VACUUM
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

bool is_unique_column(unsigned table, int column) {
  return call([&] {
    RelationData* relation = try_relation_open(table, AccessShareLock);
    if (relation == nullptr) return false;
    const auto number = static_cast<AttrNumber>(column);
    const bool unique = read_keys(relation, &number, 1).unique;
    relation_close(relation, NoLock);
    return unique;
  });
}

std::string missing_privilege(unsigned role, unsigned table, unsigned privileges) {
  const char* missing = call([&] { return lacking(role, table, privileges); });
  return missing != nullptr ? missing : "";
}

std::string privilege_list(unsigned privileges) {
  std::string list;
  for (const Privilege& p : kPrivileges) {
    if ((privileges & p.bit) != 0) list += (list.empty() ? "" : ", ") + std::string(p.name);
  }
  return list;
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

#include "pg/role.hpp"

#include "pg/guard.hpp"
#include "pg/headers.hpp"

extern "C" {
#include "catalog/namespace.h"
#include "catalog/pg_authid.h"
#include "catalog/pg_database.h"
#include "catalog/pg_namespace.h"
#include "utils/acl.h"
#include "utils/guc.h"
#include "utils/syscache.h"
}

namespace etl::pg {

namespace {

// C only. Owner of schema etl: the superuser who created the extension.
Oid extension_owner() {
  HeapTuple tuple = SearchSysCache1(NAMESPACENAME, CStringGetDatum("etl"));
  if (!HeapTupleIsValid(tuple)) {
    ereport(ERROR, errcode(ERRCODE_UNDEFINED_SCHEMA), errmsg("schema \"etl\" does not exist"),
            errhint("Run CREATE EXTENSION pg_etl in this database."));
  }
  const Oid owner = reinterpret_cast<Form_pg_namespace>(GETSTRUCT(tuple))->nspowner;
  ReleaseSysCache(tuple);
  return owner;
}

}  // namespace

ActingAs::ActingAs(RoleId role, const std::string& search_path) {
  Oid user;
  GetUserIdAndSecContext(&user, &security_);
  user_ = user;
  const char* path = search_path.c_str();
  settings_level_ = call([&] {
    const int level = NewGUCNestLevel();
    (void)set_config_option("search_path", path, PGC_USERSET, PGC_S_SESSION, GUC_ACTION_SAVE, true, 0, false);
    return level;
  });
  SetUserIdAndSecContext(role, security_ | SECURITY_LOCAL_USERID_CHANGE | SECURITY_RESTRICTED_OPERATION);
  inside_ = true;
}

ActingAs::~ActingAs() {
  if (inside_) SetUserIdAndSecContext(user_, security_);
}

void ActingAs::leave() {
  SetUserIdAndSecContext(user_, security_);
  inside_ = false;
  call([&] { AtEOXact_GUC(false, settings_level_); });
}

// Compiled, a recursive query over a handful of rows takes 0.7 s instead of 1 ms: the planner expects many.
CatalogRights::CatalogRights() : ActingAs(call([&] { return extension_owner(); }), "pg_catalog, pg_temp") {
  call([] { (void)set_config_option("jit", "off", PGC_USERSET, PGC_S_SESSION, GUC_ACTION_SAVE, true, 0, false); });
}

RoleId current_role() {
  return GetUserId();
}
RoleId session_role() {
  return GetSessionUserId();
}
bool is_superuser(RoleId role) {
  return call([&] { return superuser_arg(role); });
}
bool has_role(RoleId member, RoleId role) {
  return call([&] { return has_privs_of_role(member, role); });
}

bool can_become(RoleId member, RoleId role) {
#if PG_VERSION_NUM >= 160000
  return call([&] { return member_can_set_role(member, role); });
#else
  return call([&] { return is_member_of_role(member, role); });
#endif
}

bool role_exists(RoleId role) {
  return call([&] { return SearchSysCacheExists1(AUTHOID, ObjectIdGetDatum(role)); });
}

bool can_login(RoleId role) {
  return call([&] {
    HeapTuple tuple = SearchSysCache1(AUTHOID, ObjectIdGetDatum(role));
    if (!HeapTupleIsValid(tuple)) return false;
    const bool login = reinterpret_cast<Form_pg_authid>(GETSTRUCT(tuple))->rolcanlogin;
    ReleaseSysCache(tuple);
    return login;
  });
}

bool can_connect(RoleId role) {
#if PG_VERSION_NUM >= 160000
  return call([&] { return object_aclcheck(DatabaseRelationId, MyDatabaseId, role, ACL_CONNECT) == ACLCHECK_OK; });
#else
  return call([&] { return pg_database_aclcheck(MyDatabaseId, role, ACL_CONNECT) == ACLCHECK_OK; });
#endif
}

std::string role_name(RoleId role) {
  const char* name = call([&] { return GetUserNameFromId(role, true); });
  return name != nullptr ? std::string(name) : "unknown (OID " + std::to_string(role) + ")";
}

bool owns_database(RoleId role) {
  return call([&] {
    HeapTuple tuple = SearchSysCache1(DATABASEOID, ObjectIdGetDatum(MyDatabaseId));
    if (!HeapTupleIsValid(tuple)) return false;
    const Oid owner = reinterpret_cast<Form_pg_database>(GETSTRUCT(tuple))->datdba;
    ReleaseSysCache(tuple);
    return has_privs_of_role(role, owner);
  });
}

std::string setting(const char* name) {
  const char* value = call([&] { return GetConfigOptionByName(name, nullptr, true); });
  return value != nullptr ? std::string(value) : std::string();
}

void set_session(const char* name, const std::string& value) {
  call([&] {
    (void)set_config_option(name, value.c_str(), superuser() ? PGC_SUSET : PGC_USERSET, PGC_S_SESSION, GUC_ACTION_SET,
                            true, 0, false);
  });
}

void set_local(const char* name, const std::string& value) {
  call([&] {
    (void)set_config_option(name, value.c_str(), superuser() ? PGC_SUSET : PGC_USERSET, PGC_S_SESSION, GUC_ACTION_LOCAL,
                            true, 0, false);
  });
}

}  // namespace etl::pg

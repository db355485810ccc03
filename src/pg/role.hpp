// Who acts: roles, rights, and the narrow switch to the rights of the extension's owner.
#pragma once

#include <optional>
#include <string>

namespace etl::pg {

using RoleId = unsigned;

// While one lives, fixed statements on our own catalog run with the rights of the owner of schema etl, with
// search_path = pg_catalog, pg_temp and under SECURITY_RESTRICTED_OPERATION. leave() ends it and restores the settings;
// the destructor alone (an exception is on its way) restores the user, and the abort that must follow does the rest.
class CatalogRights {
 public:
  CatalogRights();
  ~CatalogRights();
  CatalogRights(const CatalogRights&) = delete;
  CatalogRights& operator=(const CatalogRights&) = delete;
  void leave();

 private:
  RoleId user_;
  int security_;
  int settings_level_;
  bool inside_ = false;
};

RoleId current_role();
RoleId session_role();
bool is_superuser(RoleId role);
bool has_role(RoleId member, RoleId role);  // member may act as role
bool can_login(RoleId role);
std::string role_name(RoleId role);  // "unknown (OID n)" when it is gone
bool role_exists(RoleId role);
bool owns_database(RoleId role);

// search_path of the session as text; and a scope-less setter for a worker's session.
std::string setting(const char* name);
void set_session(const char* name, const std::string& value);  // SET, as the session's user
void set_local(const char* name, const std::string& value);    // SET LOCAL

}  // namespace etl::pg

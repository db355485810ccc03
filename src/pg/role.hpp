// Who acts: roles, rights, and the switches to the rights of a pipeline's owner and of the extension's.
#pragma once

#include <optional>
#include <string>

namespace etl::pg {

using RoleId = unsigned;

// While one lives, the session acts as `role`, with this search_path and under SECURITY_RESTRICTED_OPERATION, as
// PostgreSQL's own commands do when they run what a table's owner wrote: it runs with that role's rights, and finds no
// way back to the session's. leave() ends it and takes back every setting that was changed meanwhile; the destructor
// alone (an exception is on its way) restores the user, and the abort that must follow does the rest.
class ActingAs {
 public:
  ActingAs(RoleId role, const std::string& search_path);
  ~ActingAs();
  ActingAs(const ActingAs&) = delete;
  ActingAs& operator=(const ActingAs&) = delete;
  void leave();

 private:
  RoleId user_;
  int security_;
  int settings_level_;
  bool inside_ = false;
};

// The owner of schema etl, with search_path = pg_catalog, pg_temp and without JIT: for fixed statements on our own
// catalog.
class CatalogRights : public ActingAs {
 public:
  CatalogRights();
};

inline constexpr RoleId kReadServerFiles = 4569;   // pg_read_server_files
inline constexpr RoleId kWriteServerFiles = 4570;  // pg_write_server_files
RoleId current_role();
RoleId session_role();
bool is_superuser(RoleId role);
bool has_role(RoleId member, RoleId role);    // member has role's privileges without asking for them
bool can_become(RoleId member, RoleId role);  // by SET ROLE: what PostgreSQL wants of ALTER … OWNER TO
bool can_login(RoleId role);
bool can_connect(RoleId role);       // to this database
std::string role_name(RoleId role);  // "unknown (OID n)" when it is gone
bool role_exists(RoleId role);
bool owns_database(RoleId role);

// search_path of the session as text; and a scope-less setter for a worker's session.
std::string setting(const char* name);
void set_session(const char* name, const std::string& value);  // SET, as the session's user
void set_local(const char* name, const std::string& value);    // SET LOCAL

}  // namespace etl::pg

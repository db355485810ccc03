#include "source/file_access.hpp"

#include "core/error.hpp"
#include "core/quote.hpp"
#include "file/directory.hpp"
#include "pg/role.hpp"
#include "pg/server_files.hpp"
#include "pg/settings.hpp"

namespace etl::source {

std::string file_directories(FileUse use) {
  const pg::RoleId role = pg::current_role();
  const bool writes = use == FileUse::kWrite;
  if (!pg::is_superuser(role) && !pg::has_role(role, writes ? pg::kWriteServerFiles : pg::kReadServerFiles)) {
    const std::string verb = writes ? "write" : "read";
    throw Error("42501", "role \"" + pg::role_name(role) + "\" may not " + verb + " files of the server", {},
                "A superuser can run: GRANT pg_" + verb + "_server_files TO " + quote_name(pg::role_name(role)) + ";");
  }
  const std::string directories = pg::data_directory();
  for (const std::string& directory : file::parse_directories(directories)) {
    if (!pg::is_among_server_files(directory)) continue;
    throw Error("42501", "etl.data_directory names a directory of the server's own files",
                "A pipeline could read or write what only the server may.",
                "Let a superuser set it to directories apart from the server's.");
  }
  return directories;
}

}  // namespace etl::source

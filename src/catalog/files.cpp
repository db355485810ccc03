#include "catalog/files.hpp"

#include "core/json.hpp"
#include "pg/spi.hpp"

namespace etl::catalog {

std::vector<FileState> read_files(std::int64_t pipeline, const std::string& step) {
  std::vector<FileState> all;
  for (const pg::Row& row :
       pg::catalog_query("SELECT path, byte, line, finished, inode, size, modified_ns, fingerprint FROM etl.source_file"
                         " WHERE pipeline_id = $1::bigint AND step = $2",
                         {std::to_string(pipeline), step})) {
    all.push_back({*row[0], std::stoull(*row[1]), std::stoull(*row[2]), *row[3] == "t", std::stoull(*row[4]),
                   std::stoull(*row[5]), std::stoll(*row[6]), *row[7]});
  }
  return all;
}

bool has_files(std::int64_t pipeline) {
  return !pg::catalog_query("SELECT FROM etl.source_file WHERE pipeline_id = $1::bigint LIMIT 1",
                            {std::to_string(pipeline)})
              .empty();
}

std::string write_files(const std::vector<FileState>& files) {
  std::string list;
  for (const FileState& f : files) {
    json::Object out;
    out.add("path", f.path).add_number("byte", static_cast<std::int64_t>(f.byte));
    out.add_number("line", static_cast<std::int64_t>(f.line)).add_bool("finished", f.finished);
    out.add("inode", std::to_string(f.inode)).add_number("size", static_cast<std::int64_t>(f.size));
    out.add_number("modified_ns", f.modified_ns).add("fingerprint", f.fingerprint);
    list += (list.empty() ? "" : ",") + out.str();
  }
  return "[" + list + "]";
}

void save_files(std::int64_t pipeline, const std::string& step, const std::vector<FileState>& files) {
  if (!files.empty()) save_files(pipeline, step, write_files(files));
}

void save_files(std::int64_t pipeline, const std::string& step, const std::string& files) {
  (void)pg::catalog_query(
      "INSERT INTO etl.source_file AS f (pipeline_id, step, path, byte, line, finished, inode, size, modified_ns, "
      "fingerprint)"
      " SELECT $1::bigint, $2, s.path, s.byte, s.line, s.finished, s.inode, s.size, s.modified_ns, s.fingerprint"
      " FROM jsonb_to_recordset($3::jsonb) AS s(path text, byte bigint, line bigint, finished bool, inode numeric,"
      " size bigint, modified_ns bigint, fingerprint text) ON CONFLICT (pipeline_id, step, path) DO UPDATE SET byte = "
      "excluded.byte,"
      " line = excluded.line, finished = excluded.finished, inode = excluded.inode, size = excluded.size,"
      " modified_ns = excluded.modified_ns, fingerprint = excluded.fingerprint, read_at = clock_timestamp()",
      {std::to_string(pipeline), step, files});
}

}  // namespace etl::catalog

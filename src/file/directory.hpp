// Files that a pipeline may read: those beneath the directories of setting etl.data_directory, and no other.
//
// `directories` is the setting's value: absolute directories with commas between them, in the order in which they are
// tried. Only superusers set it; a symbolic link in it is theirs and is followed. Empty: no file may be read.
// What a path or the file system could make of a file is refused with one SQLSTATE, 42501: "..", an absolute path, a
// control character, a symbolic link at any component, a second hard link, a pipe, a device, a directory, no directory
// set. A file that no directory has is 58P01. Any other errno is 58030. The first directory that has the name decides.
//
// That the setting names no directory of the server's own (PGDATA) and that the user may read server files at all is
// checked above this room.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "file/descriptor.hpp"

namespace etl::file {

// Which file it was: another one under the same name, or the same one changed, has another identity.
struct Identity {
  std::uint64_t device = 0;
  std::uint64_t inode = 0;
  std::uint64_t size = 0;  // in bytes
  std::int64_t modified_ns = 0;
  std::string path;  // as given
};

struct File {
  Descriptor descriptor;  // to read from
  Identity identity;
};

// Error 22023 when an entry is not an absolute path.
std::vector<std::string> parse_directories(std::string_view directories);

File open_file(std::string_view directories, std::string_view path);

inline constexpr std::size_t kMaxFiles = 10'000;       // that a pattern may match
inline constexpr std::size_t kMaxEntries = 1'000'000;  // that are looked at for it

// The files that a pattern matches (file/pattern.hpp, component by component) in any of the directories: relative
// paths, sorted by byte, each once. A pattern without a wildcard is the file itself, whether it exists or not.
// Directories are left out, and so are symbolic links on the way; a link, pipe or device that the last component
// matches is in the list, so that open_file refuses it by name rather than nobody noticing that it was passed over.
// Errors as of open_file, and 22023 of the pattern, 54000 over a limit.
std::vector<std::string> expand(std::string_view directories, std::string_view pattern);

}  // namespace etl::file

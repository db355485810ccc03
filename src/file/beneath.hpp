// A path that a user wrote, opened beneath a directory so that no name on its way can lead out: the one place in this
// room that gives a name to the kernel.
//
// The kernel does it at once (openat2 with RESOLVE_BENEATH, NO_SYMLINKS, NO_MAGICLINKS; Linux 5.6). Where that call is
// missing or a seccomp filter refuses it, one component after the other is opened with O_NOFOLLOW. Both begin at an
// open directory and only go down, so that what is renamed or linked meanwhile cannot move them out.
//
// Messages quote the user's path; no absolute path is in them.
#pragma once

#include <sys/stat.h>
#include <sys/types.h>

#include <string>
#include <string_view>
#include <vector>

#include "file/descriptor.hpp"

namespace etl::file {

// The path without empty components and ".". Error 42501: absolute, "..", a control character, or nothing left.
std::string check_path(std::string_view path);

std::vector<std::string_view> components(std::string_view checked);

enum class Way { kBest, kWalk };  // kWalk: as where openat2 is missing

// openat of a checked path, "" for the directory itself. O_CLOEXEC and O_NOCTTY go without saying. An empty descriptor
// with errno: ELOOP is a symbolic link at any place, EXDEV a way out.
Descriptor open_beneath(int directory, const std::string& checked, int flags, mode_t mode = 0, Way way = Way::kBest);

// Error 42501 with a sentence that says what the path names.
[[noreturn]] void refuse(std::string_view path, std::string detail);
// The Error of an errno: 42501 of what this header refuses, 58P01 of what does not exist, 53100 of a full disk, else
// 58030. `verb`: "open", "read", …
[[noreturn]] void fail(std::string_view path, const char* verb, int code);

// Refuses what is not a regular file with one link. A file that has lost its last name is not refused.
void check_regular(std::string_view path, const struct stat& status);

}  // namespace etl::file

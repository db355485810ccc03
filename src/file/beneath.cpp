#include "file/beneath.hpp"

#include <fcntl.h>
#include <limits.h>
#include <sys/syscall.h>

#include <algorithm>
#include <cerrno>
#include <system_error>

#include "core/error.hpp"
#include "core/printable.hpp"
#include "file/utf8.hpp"

#if __has_include(<linux/openat2.h>)
#include <linux/openat2.h>
#endif

namespace etl::file {
namespace {

constexpr std::size_t kShownPath = 300;

std::string quoted(std::string_view path) {
  return "\"" + printable(path, kShownPath) + "\"";
}

template <typename Call>
int retried(Call call) {
  int result;
  do {
    result = call();
  } while (result < 0 && errno == EINTR);
  return result;
}

int open_at_once(int directory, const std::string& path, int flags, mode_t mode) {
#if defined(SYS_openat2) && defined(RESOLVE_BENEATH)
  open_how how{};
  how.flags = static_cast<unsigned>(flags);
  how.mode = (flags & O_CREAT) != 0 ? mode : 0;
  how.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS;
  return retried([&] { return static_cast<int>(::syscall(SYS_openat2, directory, path.c_str(), &how, sizeof how)); });
#else
  errno = ENOSYS;
  return -1;
#endif
}

bool is_link(const struct stat& status) {
  return S_ISLNK(status.st_mode);
}

// The descriptor of a directory on the way. O_PATH opens a symbolic link itself, which is how it is known.
Descriptor step(int directory, const std::string& name) {
  Descriptor next(retried([&] { return ::openat(directory, name.c_str(), O_PATH | O_NOFOLLOW | O_CLOEXEC); }));
  struct stat status;
  if (!next || ::fstat(next.get(), &status) != 0) return Descriptor();
  if (S_ISDIR(status.st_mode)) return next;
  next = Descriptor();
  errno = is_link(status) ? ELOOP : ENOTDIR;
  return next;
}

int open_walking(int directory, const std::string& path, int flags, mode_t mode) {
  Descriptor way;
  int at = directory;
  std::size_t start = 0;
  for (std::size_t slash; (slash = path.find('/', start)) != path.npos; start = slash + 1) {
    way = step(at, path.substr(start, slash - start));
    if (!way) return -1;
    at = way.get();
  }
  const std::string name = path.substr(start);
  const int opened = retried([&] { return ::openat(at, name.c_str(), flags | O_NOFOLLOW, mode); });
  if (opened >= 0 && (flags & O_PATH) == 0) return opened;
  // O_DIRECTORY says ENOTDIR of a link, and O_PATH opens it: openat2 says ELOOP.
  struct stat status;
  const int code = errno;
  Descriptor owner(opened);
  const bool linked = owner ? ::fstat(opened, &status) == 0 && is_link(status)
                            : ::fstatat(at, name.c_str(), &status, AT_SYMLINK_NOFOLLOW) == 0 && is_link(status);
  if (owner && !linked) return owner.release();
  errno = linked && code != EEXIST ? ELOOP : code;
  return -1;
}

const char* kind_of(mode_t mode) {
  if (S_ISDIR(mode)) return "It is a directory.";
  if (S_ISLNK(mode)) return "It is a symbolic link.";
  if (S_ISFIFO(mode)) return "It is a named pipe.";
  if (S_ISSOCK(mode)) return "It is a socket.";
  return "It is a device.";
}

}  // namespace

void refuse(std::string_view path, std::string detail) {
  throw Error("42501", "access to file " + quoted(path) + " is not allowed", std::move(detail),
              "Name a regular file beneath a directory of etl.data_directory, without \"..\", links or devices.");
}

void fail(std::string_view path, const char* verb, int code) {
  if (code == ELOOP) refuse(path, "A part of it is a symbolic link.");
  if (code == EXDEV) refuse(path, "It leads out of the directory.");
  if (code == ENXIO || code == ENODEV) refuse(path, "It is a socket or a device.");
  if (code == EISDIR) refuse(path, kind_of(S_IFDIR));
  const std::string message =
      std::string("could not ") + verb + " file " + quoted(path) + ": " + std::generic_category().message(code);
  if (code == ENOENT || code == ENOTDIR) throw Error("58P01", message);
  if (code == ENOSPC || code == EDQUOT) throw Error("53100", message);
  throw Error("58030", message);
}

void check_regular(std::string_view path, const struct stat& status) {
  if (!S_ISREG(status.st_mode)) refuse(path, kind_of(status.st_mode));
  if (status.st_nlink > 1) refuse(path, "It has " + std::to_string(status.st_nlink) + " hard links.");
}

std::vector<std::string_view> components(std::string_view checked) {
  std::vector<std::string_view> names;
  for (std::size_t start = 0; start < checked.size();) {
    const std::size_t end = std::min(checked.find('/', start), checked.size());
    if (end > start) names.push_back(checked.substr(start, end - start));
    start = end + 1;
  }
  return names;
}

std::string check_path(std::string_view path) {
  if (valid_utf8(path) != path.size()) refuse(path, "It is not valid UTF-8.");
  for (const char c : path) {
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) refuse(path, "It contains a control character.");
  }
  if (!path.empty() && path.front() == '/') refuse(path, "It is an absolute path.");
  if (path.size() >= PATH_MAX) fail(path, "open", ENAMETOOLONG);
  std::string checked;
  for (const std::string_view name : components(path)) {
    if (name == "..") refuse(path, "It contains \"..\".");
    if (name == ".") continue;
    if (!checked.empty()) checked += '/';
    checked += name;
  }
  if (checked.empty()) refuse(path, "It names no file.");
  return checked;
}

Descriptor open_beneath(int directory, const std::string& checked, int flags, mode_t mode, Way way) {
  const std::string path = checked.empty() ? "." : checked;
  flags |= O_CLOEXEC;
  if ((flags & O_PATH) == 0) flags |= O_NOCTTY;
  if (way == Way::kBest) {
    const int opened = open_at_once(directory, path, flags, mode);
    // EPERM is also what a seccomp filter says; the walk has its own if it was no filter.
    if (opened >= 0 || (errno != ENOSYS && errno != EPERM)) return Descriptor(opened);
  }
  return Descriptor(open_walking(directory, path, flags, mode));
}

}  // namespace etl::file

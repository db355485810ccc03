#include "file/directory.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <iterator>
#include <memory>
#include <optional>

#include "core/error.hpp"
#include "core/printable.hpp"
#include "file/beneath.hpp"
#include "file/pattern.hpp"

namespace etl::file {
namespace {

constexpr int kReplaced = 1000;  // attempts at a file that is replaced again and again

std::string_view trim(std::string_view text) {
  while (!text.empty() && text.front() == ' ') text.remove_prefix(1);
  while (!text.empty() && text.back() == ' ') text.remove_suffix(1);
  return text;
}

std::vector<std::string> allowed(std::string_view directories, std::string_view path) {
  std::vector<std::string> parsed = parse_directories(directories);
  if (parsed.empty()) refuse(path, "Setting etl.data_directory is empty.");
  return parsed;
}

bool is_missing(int code) {
  return code == ENOENT || code == ENOTDIR;
}

Descriptor open_root(const std::string& directory, std::string_view path) {
  Descriptor root(::open(directory.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  if (!root && !is_missing(errno)) fail(path, "open", errno);
  return root;
}

// Nothing when the directory does not have it, or when it lost its name between open and stat.
std::optional<File> try_open(int root, std::string_view path, const std::string& checked, bool& replaced) {
  File file;
  file.descriptor = open_beneath(root, checked, O_RDONLY | O_NONBLOCK);
  if (!file.descriptor) {
    if (!is_missing(errno)) fail(path, "open", errno);
    return std::nullopt;
  }
  struct stat status;
  if (::fstat(file.descriptor.get(), &status) != 0) fail(path, "stat", errno);
  check_regular(path, status);
  replaced = status.st_nlink == 0;
  if (replaced) return std::nullopt;
  file.identity = {status.st_dev, status.st_ino, static_cast<std::uint64_t>(status.st_size),
                   status.st_mtim.tv_sec * 1'000'000'000 + status.st_mtim.tv_nsec, std::string(path)};
  return file;
}

[[noreturn]] void too_many_files(std::string_view pattern) {
  throw Error("54000", "file pattern \"" + printable(pattern, 300) + "\" matches too many files",
              "It matches more than " + std::to_string(kMaxFiles) + ".", "Narrow the pattern.");
}

// Walks a pattern through one directory, level by level: the paths that its first components match, then those of one
// more. Only one directory is open at a time.
class Expansion {
 public:
  Expansion(std::string_view pattern, int root, std::size_t& entries)
      : pattern_(pattern), root_(root), entries_(entries) {}

  std::vector<std::string> run() {
    std::vector<std::string> paths = {""};
    const std::vector<std::string_view> names = components(pattern_);
    for (std::size_t i = 0; i < names.size(); ++i) {
      const Pattern component(names[i]);
      const bool last = i + 1 == names.size();
      std::vector<std::string> found;
      for (const std::string& path : paths) {
        if (component.is_literal()) {
          std::string next = join(path, names[i]);
          if (!last || is_there(next)) add(found, std::move(next));
        } else {
          list(path, component, last, found);
        }
      }
      paths = std::move(found);
    }
    return paths;
  }

 private:
  static std::string join(const std::string& path, std::string_view name) {
    return path.empty() ? std::string(name) : path + "/" + std::string(name);
  }

  void add(std::vector<std::string>& found, std::string path) const {
    if (found.size() == kMaxFiles) too_many_files(pattern_);
    found.push_back(std::move(path));
  }

  bool is_there(const std::string& path) const {
    const Descriptor file = open_beneath(root_, path, O_PATH);
    if (!file && is_missing(errno)) return false;
    if (!file && errno != ELOOP) fail(path, "open", errno);
    struct stat status;
    return !file || ::fstat(file.get(), &status) != 0 || !S_ISDIR(status.st_mode);
  }

  void list(const std::string& path, const Pattern& component, bool last, std::vector<std::string>& found) {
    Descriptor opened = open_beneath(root_, path, O_RDONLY | O_DIRECTORY);
    if (!opened && is_missing(errno)) return;
    if (!opened) fail(path.empty() ? pattern_ : path, "open", errno);
    const std::unique_ptr<DIR, int (*)(DIR*)> directory(::fdopendir(opened.get()), &::closedir);
    if (!directory) fail(pattern_, "open", errno);
    opened.release();
    while (const dirent* entry = (errno = 0, ::readdir(directory.get()))) {
      if (++entries_ > kMaxEntries) too_many_entries();
      const std::string_view name = entry->d_name;
      if (name == "." || name == ".." || !component.matches(name)) continue;
      if (is_directory(::dirfd(directory.get()), *entry) != last) add(found, join(path, name));
    }
    if (errno != 0) fail(pattern_, "read", errno);
  }

  static bool is_directory(int directory, const dirent& entry) {
    if (entry.d_type != DT_UNKNOWN) return entry.d_type == DT_DIR;
    struct stat status;
    return ::fstatat(directory, entry.d_name, &status, AT_SYMLINK_NOFOLLOW) == 0 && S_ISDIR(status.st_mode);
  }

  [[noreturn]] void too_many_entries() const {
    throw Error("54000", "file pattern \"" + printable(pattern_, 300) + "\" goes through too many files",
                "There are more than " + std::to_string(kMaxEntries) + " in the directories that it names.",
                "Name a directory with fewer files.");
  }

  const std::string_view pattern_;
  const int root_;
  std::size_t& entries_;
};

}  // namespace

std::vector<std::string> parse_directories(std::string_view directories) {
  std::vector<std::string> parsed;
  for (std::size_t start = 0; start <= directories.size();) {
    const std::size_t end = std::min(directories.find(',', start), directories.size());
    const std::string_view entry = trim(directories.substr(start, end - start));
    start = end + 1;
    if (entry.empty() && trim(directories).empty()) break;
    const bool clean = std::all_of(entry.begin(), entry.end(), [](unsigned char c) { return c >= 0x20 && c != 0x7f; });
    if (entry.empty() || entry.front() != '/' || !clean) {
      throw Error("22023", "setting etl.data_directory is not valid",
                  "Entry \"" + printable(entry, 300) + "\" is no absolute path.",
                  "Write absolute directories with commas between them.");
    }
    parsed.emplace_back(entry);
  }
  return parsed;
}

File open_file(std::string_view directories, std::string_view path) {
  const std::string checked = check_path(path);
  for (const std::string& directory : allowed(directories, path)) {
    const Descriptor root = open_root(directory, path);
    bool replaced = true;
    for (int attempt = 0; root && replaced && attempt < kReplaced; ++attempt) {
      replaced = false;
      if (std::optional<File> file = try_open(root.get(), path, checked, replaced)) return std::move(*file);
    }
  }
  fail(path, "open", ENOENT);
}

std::vector<std::string> expand(std::string_view directories, std::string_view pattern) {
  const std::string checked = check_path(pattern);
  const std::vector<std::string> roots = allowed(directories, pattern);
  bool literal = true;
  for (const std::string_view name : components(checked)) literal &= Pattern(name).is_literal();
  if (literal) return {checked};

  std::vector<std::string> paths;
  std::size_t entries = 0;
  for (const std::string& directory : roots) {
    const Descriptor root = open_root(directory, pattern);
    if (!root) continue;
    std::vector<std::string> found = Expansion(checked, root.get(), entries).run();
    paths.insert(paths.end(), std::make_move_iterator(found.begin()), std::make_move_iterator(found.end()));
  }
  std::sort(paths.begin(), paths.end());
  paths.erase(std::unique(paths.begin(), paths.end()), paths.end());
  if (paths.size() > kMaxFiles) too_many_files(pattern);
  return paths;
}

}  // namespace etl::file

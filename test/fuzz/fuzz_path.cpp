// Any line as a path and as a pattern, in a small tree with every trap that a file system has: what is opened is a file
// of the allowed directories, both ways to open agree, a pattern gives what fnmatch says of the allowed files, and what
// is written lies inside. Errors have the SQLSTATEs that are promised, and name no directory.
#include <fcntl.h>
#include <fnmatch.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "core/error.hpp"
#include "file/beneath.hpp"
#include "file/directory.hpp"
#include "file/output_file.hpp"

namespace {

namespace fs = std::filesystem;
using etl::file::Descriptor;
using etl::file::Way;

void require(bool holds) {
  if (!holds) abort();
}

const std::vector<std::string> kFiles = {"a",       "b.csv",      "ab.csv", ".hid", "d/a", "d/b.csv", "d/e/a",
                                         "d/e/c.x", "d/.h/b.csv", "[a]",    "*",    "-",   "d/]",     "\xc3\xa9"};

class Tree {
 public:
  Tree() {
    const fs::path memory = "/dev/shm";  // where fsync costs nothing
    std::string name =
        ((::access(memory.c_str(), W_OK) == 0 ? memory : fs::temp_directory_path()) / "fuzz_path.XXXXXX").string();
    require(::mkdtemp(name.data()) != nullptr);
    root_ = name;
    fs::create_directories(root_ + "/out/d");
    fs::create_directories(root_ + "/foreign");
    std::ofstream(root_ + "/foreign/a") << "secret";
    for (const std::string& file : kFiles) {
      fs::create_directories(fs::path(root_ + "/in/" + file).parent_path());
      std::ofstream(root_ + "/in/" + file) << "inside";
      struct stat status;
      require(::stat((root_ + "/in/" + file).c_str(), &status) == 0);
      inodes_.insert(status.st_ino);
    }
    for (const char* directory : {"/in", "/out"}) {
      fs::create_symlink("../foreign/a", root_ + directory + "/l");
      fs::create_symlink("../foreign", root_ + directory + "/f");
      fs::create_symlink("..", root_ + directory + "/d/u");
      fs::create_symlink("o", root_ + directory + "/o");
      fs::create_symlink("/", root_ + directory + "/r");
      fs::create_hard_link(root_ + "/foreign/a", root_ + directory + "/h");
      require(::mkfifo((root_ + directory + "/p").c_str(), 0600) == 0);
    }
    foreign_ = look();
  }
  ~Tree() { fs::remove_all(root_); }

  std::string in() const { return root_ + "/in"; }
  std::string out() const { return root_ + "/out"; }
  bool is_ours(std::uint64_t inode) const { return inodes_.count(static_cast<ino_t>(inode)) > 0; }
  bool is_unharmed() const { return look() == foreign_; }
  const std::string& root() const { return root_; }

 private:
  std::string look() const {
    std::string seen;
    for (const auto& entry : fs::directory_iterator(root_ + "/foreign")) {
      std::ifstream stream(entry.path());
      seen += entry.path().string() + "=" + std::string(std::istreambuf_iterator<char>(stream), {}) + ";";
    }
    for (const auto& entry : fs::directory_iterator(root_)) seen += entry.path().string() + ";";
    return seen;
  }

  std::string root_;
  std::set<ino_t> inodes_;
  std::string foreign_;
};

const Tree& tree() {
  static const Tree made;
  return made;
}

void require_known(const etl::Error& error, std::string_view path, std::initializer_list<std::string_view> states) {
  require(std::find(states.begin(), states.end(), error.sqlstate) != states.end());
  const std::string text = error.message + error.detail + error.hint;
  require(text.find(tree().root()) == std::string::npos || path.find(tree().root()) != path.npos);
  for (const char c : text) require(static_cast<unsigned char>(c) >= 0x20);
}

bool is_plain(std::string_view path) {
  const std::vector<std::string_view> names = etl::file::components(path);
  return !path.empty() && path.front() != '/' && std::find(names.begin(), names.end(), "..") == names.end();
}

void check_open(std::string_view path) {
  try {
    const etl::file::File file = etl::file::open_file(tree().in(), path);
    require(tree().is_ours(file.identity.inode) && is_plain(path));
    char content[16];
    require(::read(file.descriptor.get(), content, sizeof content) == 6 && std::string_view(content, 6) == "inside");
  } catch (const etl::Error& error) {
    require_known(error, path, {"42501", "58030", "58P01"});
  }
}

void check_ways(std::string_view path) {
  std::string checked;
  try {
    checked = etl::file::check_path(path);
  } catch (const etl::Error&) {
    return;
  }
  const Descriptor root(::open(tree().in().c_str(), O_PATH | O_DIRECTORY));
  for (const int flags : {O_RDONLY | O_NONBLOCK, O_RDONLY | O_DIRECTORY, O_PATH}) {
    int codes[2];
    struct stat status[2] = {};
    for (const Way way : {Way::kBest, Way::kWalk}) {
      const auto i = static_cast<std::size_t>(way);
      const Descriptor opened = etl::file::open_beneath(root.get(), checked, flags, 0, way);
      codes[i] = opened ? 0 : errno;
      if (opened) require(::fstat(opened.get(), &status[i]) == 0);
    }
    require(codes[0] == codes[1] && status[0].st_ino == status[1].st_ino);
  }
}

// Whether fnmatch, asked component by component, finds the file. It knows no UTF-8 here.
bool found_by_fnmatch(const std::vector<std::string_view>& pattern, const std::string& file) {
  const std::vector<std::string_view> names = etl::file::components(file);
  if (names.size() != pattern.size()) return false;
  for (std::size_t i = 0; i < names.size(); ++i) {
    if (::fnmatch(std::string(pattern[i]).c_str(), std::string(names[i]).c_str(), FNM_NOESCAPE | FNM_PERIOD) != 0) {
      return false;
    }
  }
  return true;
}

void check_expand(std::string_view pattern) {
  std::vector<std::string> found;
  try {
    found = etl::file::expand(tree().in(), pattern);
  } catch (const etl::Error& error) {
    require_known(error, pattern, {"22023", "42501", "58030"});
    return;
  }
  require(is_plain(pattern) && std::is_sorted(found.begin(), found.end()));
  require(std::adjacent_find(found.begin(), found.end()) == found.end());
  for (const std::string& path : found) {
    require(is_plain(path));
    check_open(path);
  }
  const bool ascii = std::all_of(pattern.begin(), pattern.end(), [](char c) { return c > 0; });
  if (!ascii || std::count(pattern.begin(), pattern.end(), '*') > 8) return;
  const std::string checked = etl::file::check_path(pattern);
  const std::vector<std::string_view> names = etl::file::components(checked);
  for (const std::string& file : kFiles) {
    if (file.front() == '\xc3') continue;
    const bool listed = std::binary_search(found.begin(), found.end(), file);
    require(listed == found_by_fnmatch(names, file));
  }
}

void check_create(std::string_view path) {
  try {
    etl::file::OutputFile file = etl::file::create_file(tree().out(), path);
    file.write("text");
    file.publish();
    const std::string made = tree().out() + "/" + etl::file::check_path(path);
    require(is_plain(path) && fs::is_regular_file(fs::symlink_status(made)) && fs::remove(made));
  } catch (const etl::Error& error) {
    require_known(error, path, {"42501", "58030", "58P01"});
  }
  require(tree().is_unharmed());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view path(reinterpret_cast<const char*>(data), size);
  check_open(path);
  check_ways(path);
  check_expand(path);
  check_create(path);
  return 0;
}

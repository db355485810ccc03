#include "file/output_file.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/random.h>
#include <sys/stat.h>

#include <array>
#include <cerrno>
#include <memory>
#include <vector>

#include "core/error.hpp"
#include "file/beneath.hpp"
#include "file/directory.hpp"

namespace etl::file {
namespace {

constexpr std::size_t kDigits = 16;  // of a temporary name
constexpr int kAttempts = 100;       // at a temporary name that is free

std::string temporary_of(const std::string& name) {
  std::array<unsigned char, kDigits / 2> random{};
  if (::getrandom(random.data(), random.size(), 0) != static_cast<ssize_t>(random.size())) fail(name, "name", errno);
  std::string temporary = "." + name + ".";
  for (const unsigned char byte : random) {
    constexpr char kHex[] = "0123456789abcdef";
    temporary += {kHex[byte >> 4], kHex[byte & 15]};
  }
  return temporary;
}

std::string path_of(const Descriptor& descriptor) {
  return "/proc/self/fd/" + std::to_string(descriptor.get());
}

bool is_temporary_of(std::string_view temporary, std::string_view name) {
  const std::string prefix = "." + std::string(name) + ".";
  if (temporary.size() != prefix.size() + kDigits || temporary.substr(0, prefix.size()) != prefix) return false;
  return temporary.substr(prefix.size()).find_first_not_of("0123456789abcdef") == temporary.npos;
}

// Whether it is ours now, and not another's who writes it or removes it.
bool try_lock(const Descriptor& file) {
  return ::flock(file.get(), LOCK_EX | LOCK_NB) == 0;
}

bool has_a_name(const Descriptor& file) {
  struct stat status;
  return ::fstat(file.get(), &status) == 0 && status.st_nlink > 0;
}

bool is_own_file(const Descriptor& file) {
  struct stat status;
  return ::fstat(file.get(), &status) == 0 && S_ISREG(status.st_mode) && status.st_nlink == 1 &&
         status.st_uid == ::geteuid();
}

}  // namespace

// Opens the directory of the path.
OutputFile::OutputFile(std::string_view directories, std::string_view path) : path_(path) {
  const std::string checked = check_path(path);
  const std::vector<std::string> allowed = parse_directories(directories);
  if (allowed.empty()) refuse(path, "Setting etl.data_directory is empty.");
  const std::size_t slash = checked.rfind('/');
  name_ = slash == checked.npos ? checked : checked.substr(slash + 1);

  const Descriptor root(::open(allowed.front().c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  if (!root) fail(path, "create", errno);
  directory_ = open_beneath(root.get(), slash == checked.npos ? "" : checked.substr(0, slash), O_RDONLY | O_DIRECTORY);
  if (!directory_) fail(path, "create", errno);
  check_target();
}

void OutputFile::check_target() const {
  struct stat status;
  if (::fstatat(directory_.get(), name_.c_str(), &status, AT_SYMLINK_NOFOLLOW) == 0) {
    check_regular(path_, status);
  } else if (errno != ENOENT) {
    fail(path_, "stat", errno);
  }
}

// That the temporary name still names this file, which only we have written.
void OutputFile::check_temporary() const {
  struct stat opened, named;
  if (::fstat(file_.get(), &opened) != 0) fail(path_, "stat", errno);
  if (::fstatat(directory_.get(), temporary_.c_str(), &named, AT_SYMLINK_NOFOLLOW) != 0) fail(path_, "stat", errno);
  check_regular(path_, named);
  if (named.st_dev != opened.st_dev || named.st_ino != opened.st_ino || named.st_uid != ::geteuid()) {
    refuse(path_, "Its temporary file \"" + temporary_ + "\" is not the one that was written.");
  }
}

// What cannot be looked at or removed stays: it is in nobody's way.
void OutputFile::remove_leftovers() const {
  Descriptor listed = open_beneath(directory_.get(), "", O_RDONLY | O_DIRECTORY);
  if (!listed) return;
  const std::unique_ptr<DIR, int (*)(DIR*)> directory(::fdopendir(listed.get()), &::closedir);
  if (!directory) return;
  listed.release();
  while (const dirent* entry = ::readdir(directory.get())) {
    if (!is_temporary_of(entry->d_name, name_)) continue;
    const Descriptor file = open_beneath(directory_.get(), entry->d_name, O_RDWR | O_NONBLOCK);
    if (file && is_own_file(file) && try_lock(file)) ::unlinkat(directory_.get(), entry->d_name, 0);
  }
}

void OutputFile::write(std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t written = ::pwrite(file_.get(), bytes.data(), bytes.size(), static_cast<off_t>(size_));
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) fail(path_, "write to", written == 0 ? ENOSPC : errno);
    size_ += static_cast<std::uint64_t>(written);
    bytes.remove_prefix(static_cast<std::size_t>(written));
  }
}

std::string OutputFile::path_of_file() const {
  return path_of(file_);
}

std::string OutputFile::path_of_directory() const {
  return path_of(directory_);
}

void OutputFile::measure() {
  struct stat status;
  if (::fstat(file_.get(), &status) != 0) fail(path_, "stat", errno);
  size_ = static_cast<std::uint64_t>(status.st_size);
}

void OutputFile::sync() {
  if (::fsync(file_.get()) != 0) fail(path_, "fsync", errno);
}

void OutputFile::publish() {
  sync();
  check_temporary();
  check_target();
  if (::renameat(directory_.get(), temporary_.c_str(), directory_.get(), name_.c_str()) != 0) {
    fail(path_, "rename", errno);
  }
  published_ = true;
  // Some file systems cannot do it to a directory, and say EINVAL.
  if (::fsync(directory_.get()) != 0 && errno != EINVAL) fail(path_, "fsync", errno);
}

void OutputFile::discard() noexcept {
  if (file_ && !published_) ::unlinkat(directory_.get(), temporary_.c_str(), 0);
  file_ = Descriptor();
}

OutputFile create_file(std::string_view directories, std::string_view path) {
  OutputFile output(directories, path);
  output.remove_leftovers();
  for (int attempt = 0;; ++attempt) {
    output.temporary_ = temporary_of(output.name_);
    output.file_ = open_beneath(output.directory_.get(), output.temporary_, O_WRONLY | O_CREAT | O_EXCL, 0600);
    if (!output.file_ && (errno != EEXIST || attempt == kAttempts)) fail(path, "create", errno);
    if (!output.file_) continue;
    // Before the lock, somebody may have taken it for a leftover. A file system without locks removes none.
    const bool taken = !try_lock(output.file_) && errno == EWOULDBLOCK;
    if (!taken && has_a_name(output.file_)) return output;
    if (attempt == kAttempts) fail(path, "lock", EWOULDBLOCK);
  }
}

}  // namespace etl::file

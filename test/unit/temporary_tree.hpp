// A directory of its own for a test, gone with it: in memory where there is /dev/shm, since some tests make 10,000
// files.
#pragma once

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <stdexcept>
#include <string>
#include <string_view>

namespace etl::test {

class TemporaryTree {
 public:
  TemporaryTree() {
    const std::filesystem::path memory = "/dev/shm";
    const bool writable = ::access(memory.c_str(), W_OK) == 0;
    std::string name = ((writable ? memory : std::filesystem::temp_directory_path()) / "pg_etl_test.XXXXXX").string();
    if (::mkdtemp(name.data()) == nullptr) throw std::runtime_error("mkdtemp failed");
    root_ = std::filesystem::canonical(name).string();
  }
  ~TemporaryTree() {
    std::error_code ignored;
    std::filesystem::remove_all(root_, ignored);
  }
  TemporaryTree(const TemporaryTree&) = delete;
  TemporaryTree& operator=(const TemporaryTree&) = delete;

  const std::string& root() const { return root_; }
  std::string path(std::string_view name) const { return root_ + "/" + std::string(name); }

  void directory(std::string_view name) const { std::filesystem::create_directories(path(name)); }
  void file(std::string_view name, std::string_view content) const {
    const std::string whole = path(name);
    std::filesystem::create_directories(std::filesystem::path(whole).parent_path());
    std::ofstream(whole, std::ios::binary) << content;
  }
  void link(std::string_view name, const std::string& target) const {
    std::filesystem::create_symlink(target, path(name));
  }
  void hard_link(std::string_view name, std::string_view target) const {
    std::filesystem::create_hard_link(path(target), path(name));
  }
  void pipe(std::string_view name) const {
    if (::mkfifo(path(name).c_str(), 0600) != 0) throw std::runtime_error("mkfifo failed");
  }
  void socket(std::string_view name) const {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    const std::string whole = path(name);
    if (whole.size() >= sizeof address.sun_path) throw std::runtime_error("path of a socket is too long");
    std::memcpy(address.sun_path, whole.c_str(), whole.size());
    const int fd = ::socket(AF_UNIX, SOCK_STREAM, 0);
    const int bound = ::bind(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address);
    ::close(fd);
    if (bound != 0) throw std::runtime_error("bind failed");
  }

  std::string content(std::string_view name) const {
    std::ifstream stream(path(name), std::ios::binary);
    return {std::istreambuf_iterator<char>(stream), {}};
  }
  bool has(std::string_view name) const { return std::filesystem::exists(std::filesystem::symlink_status(path(name))); }
  std::size_t entries(std::string_view name) const {
    const std::filesystem::directory_iterator iterator(path(name));
    return static_cast<std::size_t>(std::distance(begin(iterator), end(iterator)));
  }

 private:
  std::string root_;
};

}  // namespace etl::test

// Which files may be read: everything that a path or the file system could make of one is refused, also while it is
// swapped.
#include "file/directory.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include <atomic>
#include <cstddef>
#include <functional>
#include <thread>

#include "core/error.hpp"
#include "file/beneath.hpp"
#include "unit/temporary_tree.hpp"

namespace etl::file {
namespace {

using test::TemporaryTree;
using Paths = std::vector<std::string>;

constexpr char kSecret[] = "the secret";

std::string read_all(int fd) {
  std::string text;
  char buffer[256];
  for (ssize_t got; (got = ::read(fd, buffer, sizeof buffer)) > 0;) text.append(buffer, static_cast<std::size_t>(got));
  return text;
}

std::string open_and_read(std::string_view directories, std::string_view path) {
  const File file = open_file(directories, path);
  return read_all(file.descriptor.get());
}

// SQLSTATE and message of the refusal, "" if there is none.
std::string error_of(const std::function<void()>& call) {
  try {
    call();
  } catch (const Error& error) {
    return error.sqlstate + ": " + error.message + " " + error.detail;
  }
  return "";
}

std::string open_error(std::string_view directories, std::string_view path) {
  return error_of([&] { open_file(directories, path); });
}

// data/ is allowed, outside/ is not.
class DirectoryTest : public testing::Test {
 protected:
  DirectoryTest() {
    tree_.file("data/a.csv", "inside");
    tree_.file("data/dir/b.csv", "inside too");
    tree_.file("outside/secret", kSecret);
    tree_.file("outside/b.csv", kSecret);
  }
  void expect_refused(std::string_view path, std::string_view why) const {
    const std::string error = open_error(data_, path);
    EXPECT_EQ(error.substr(0, 5), "42501") << path;
    EXPECT_NE(error.find(why), error.npos) << path << ": " << error;
    EXPECT_TRUE(path.find(data_) != path.npos || error.find(tree_.root()) == error.npos) << error;
  }

  TemporaryTree tree_;
  const std::string data_ = tree_.path("data");
};

TEST_F(DirectoryTest, OpensWhatLiesBeneath) {
  const File file = open_file(data_, "./dir//b.csv");
  EXPECT_EQ(read_all(file.descriptor.get()), "inside too");
  struct stat status;
  ASSERT_EQ(::stat(tree_.path("data/dir/b.csv").c_str(), &status), 0);
  EXPECT_EQ(file.identity.path, "./dir//b.csv");
  EXPECT_EQ(file.identity.device, status.st_dev);
  EXPECT_EQ(file.identity.inode, status.st_ino);
  EXPECT_EQ(file.identity.size, 10u);
  EXPECT_EQ(file.identity.modified_ns, status.st_mtim.tv_sec * 1'000'000'000 + status.st_mtim.tv_nsec);
  EXPECT_NE(::fcntl(file.descriptor.get(), F_GETFD) & FD_CLOEXEC, 0);
  EXPECT_EQ(::fcntl(file.descriptor.get(), F_GETFL) & O_ACCMODE, O_RDONLY);
}

TEST_F(DirectoryTest, DirectoriesAreTriedInOrder) {
  tree_.file("more/a.csv", "another");
  tree_.file("more/only", "only here");
  const std::string both = tree_.path("missing") + " , " + data_ + "," + tree_.path("more") + "/";
  EXPECT_EQ(open_and_read(both, "a.csv"), "inside");
  EXPECT_EQ(open_and_read(both, "only"), "only here");
  EXPECT_EQ(open_and_read(tree_.path("more") + "," + data_, "a.csv"), "another");
  // The first that has the name decides.
  tree_.link("data/only", "../outside/secret");
  EXPECT_EQ(open_error(both, "only").substr(0, 5), "42501");
}

TEST_F(DirectoryTest, RefusesWhatThePathSays) {
  for (const char* path : {"..", "../outside/secret", "dir/..", "dir/../a.csv", "dir/../../outside/secret", "./..",
                           "missing/../a.csv", "a.csv/.."}) {
    expect_refused(path, "\"..\"");
  }
  expect_refused(data_ + "/a.csv", "absolute");
  expect_refused("/etc/passwd", "absolute");
  expect_refused("/", "absolute");
  for (const char* path : {"", ".", "./", "././/."}) expect_refused(path, "names no file");
  for (const std::string_view path :
       {std::string_view("a.csv\0", 6), std::string_view("\0", 1), std::string_view("a\n.csv"),
        std::string_view("\x1b[31m"), std::string_view("a\x7f")}) {
    expect_refused(path, "control character");
  }
  EXPECT_EQ(open_and_read(data_, "./a.csv"), "inside");
}

TEST_F(DirectoryTest, RefusesWhatTheFileIs) {
  tree_.link("data/link", "../outside/secret");
  tree_.link("data/inner", "a.csv");
  tree_.link("data/dangling", "nowhere");
  tree_.link("data/loop", "loop");
  tree_.link("data/out", "../outside");
  tree_.link("data/dir/up", "..");
  tree_.link("data/self", "/proc/self");
  for (const char* path : {"link", "inner", "dangling", "loop", "out", "out/b.csv", "dir/up", "dir/up/a.csv",
                           "loop/a.csv", "self/root/etc/passwd", "self/cwd"}) {
    expect_refused(path, "symbolic link");
  }
  tree_.hard_link("data/hard", "outside/secret");
  expect_refused("hard", "2 hard links");
  tree_.pipe("data/pipe");
  expect_refused("pipe", "named pipe");
  tree_.socket("data/socket");
  expect_refused("socket", "socket");
  expect_refused("dir", "directory");
  EXPECT_EQ(open_error("/dev", "null").substr(0, 5), "42501");
  EXPECT_EQ(open_error("/proc", "self/status").substr(0, 5), "42501");
}

TEST_F(DirectoryTest, NothingIsAllowedWithoutADirectory) {
  for (const char* none : {"", "  "}) {
    EXPECT_EQ(open_error(none, "a.csv").substr(0, 5), "42501");
    EXPECT_EQ(error_of([&] { expand(none, "*.csv"); }).substr(0, 5), "42501");
  }
  for (const char* wrong : {"data", "/a,", ",/a", "/a,,/b", "/a,b", "/a\n", "./x", "~"}) {
    EXPECT_EQ(open_error(wrong, "a.csv").substr(0, 5), "22023") << wrong;
  }
  EXPECT_EQ(parse_directories(" /a , /b c/ "), (Paths{"/a", "/b c/"}));
}

TEST_F(DirectoryTest, SaysWhatIsMissing) {
  for (const char* path : {"b.csv", "missing/a.csv", "a.csv/x", "dir/x"}) {
    EXPECT_EQ(open_error(data_, path).substr(0, 5), "58P01") << path;
  }
  EXPECT_EQ(open_error(data_, "b.csv"), "58P01: could not open file \"b.csv\": No such file or directory ");
  EXPECT_EQ(open_error(tree_.path("missing"), "a.csv").substr(0, 5), "58P01");
  EXPECT_EQ(open_error(tree_.path("data/a.csv"), "a.csv").substr(0, 5), "58P01");
  const std::string long_name(256, 'x');
  EXPECT_EQ(open_error(data_, long_name).substr(0, 5), "58030");
  EXPECT_NE(open_error(data_, long_name).find("File name too long"), std::string::npos);
  std::string long_path = "a.csv";
  while (long_path.size() < 5000) long_path.insert(0, "d/");
  EXPECT_EQ(open_error(data_, long_path).substr(0, 5), "58030");
}

TEST_F(DirectoryTest, AnErrnoHasItsSqlstate) {
  const auto state_of = [](int code) { return error_of([&] { fail("x", "read", code); }).substr(0, 5); };
  for (const int code : {ELOOP, EXDEV, ENXIO, ENODEV, EISDIR}) EXPECT_EQ(state_of(code), "42501") << code;
  for (const int code : {ENOENT, ENOTDIR}) EXPECT_EQ(state_of(code), "58P01") << code;
  for (const int code : {ENOSPC, EDQUOT}) EXPECT_EQ(state_of(code), "53100") << code;
  for (const int code : {EIO, EACCES, EMFILE, ENFILE, EAGAIN}) EXPECT_EQ(state_of(code), "58030") << code;
}

TEST_F(DirectoryTest, AFileThatIsReplacedIsReadToItsEnd) {
  const File file = open_file(data_, "a.csv");
  tree_.file("data/new", "replaced");
  std::filesystem::rename(tree_.path("data/new"), tree_.path("data/a.csv"));
  EXPECT_EQ(read_all(file.descriptor.get()), "inside");
  const File again = open_file(data_, "a.csv");
  EXPECT_NE(again.identity.inode, file.identity.inode);
}

// Both ways to open say the same of every kind of path.
TEST_F(DirectoryTest, TheWalkSaysWhatTheKernelSays) {
  tree_.link("data/link", "a.csv");
  tree_.link("data/dirlink", "dir");
  tree_.pipe("data/pipe");
  const Descriptor root(::open(data_.c_str(), O_PATH | O_DIRECTORY));
  for (const char* path : {"", "a.csv", "dir", "dir/b.csv", "missing", "missing/x", "a.csv/x", "link", "link/x",
                           "dirlink", "dirlink/b.csv", "pipe", "pipe/x"}) {
    for (const int flags : {O_RDONLY | O_NONBLOCK, O_RDONLY | O_DIRECTORY, O_PATH}) {
      errno = 0;
      const Descriptor best = open_beneath(root.get(), path, flags);
      const int code = best ? 0 : errno;
      const Descriptor walked = open_beneath(root.get(), path, flags, 0, Way::kWalk);
      EXPECT_EQ(walked ? 0 : errno, code) << path << " " << flags;
    }
  }
}

// A filter of seccomp that answers openat2 with an errno, in a child.
int exit_code_without_openat2(int code, const std::function<bool()>& works) {
  const pid_t child = ::fork();
  if (child == 0) {
    sock_filter filter[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_openat2, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | static_cast<unsigned>(code)),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    const sock_fprog program{4, filter};
    if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 || ::prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) != 0) {
      ::_exit(77);
    }
    try {
      ::_exit(::syscall(SYS_openat2, -1, "", nullptr, 0) == -1 && errno == code && works() ? 0 : 1);
    } catch (...) {
      ::_exit(2);
    }
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

TEST_F(DirectoryTest, DoesWithoutOpenat2) {
  tree_.link("data/link", "../outside/secret");
  tree_.link("data/out", "../outside");
  const auto works = [&] {
    return open_and_read(data_, "dir/b.csv") == "inside too" && open_error(data_, "link").substr(0, 5) == "42501" &&
           open_error(data_, "out/secret").substr(0, 5) == "42501" && open_error(data_, "x").substr(0, 5) == "58P01" &&
           expand(data_, "*/*.csv") == Paths{"dir/b.csv"};
  };
  for (const int code : {ENOSYS, EPERM}) {
    const int exit_code = exit_code_without_openat2(code, works);
    if (exit_code == 77) GTEST_SKIP() << "no seccomp here";
    EXPECT_EQ(exit_code, 0) << code;
  }
}

// Exchanges two names for as long as it lives.
class Swapper {
 public:
  Swapper(std::string a, std::string b)
      : thread_([this, a = std::move(a), b = std::move(b)] {
          while (!stop_) {
            if (::renameat2(AT_FDCWD, a.c_str(), AT_FDCWD, b.c_str(), RENAME_EXCHANGE) == 0) ++swaps_;
          }
        }) {}
  ~Swapper() {
    stop_ = true;
    thread_.join();
  }
  int swaps() const { return swaps_; }

 private:
  std::atomic<bool> stop_ = false;
  std::atomic<int> swaps_ = 0;
  std::thread thread_;
};

// Opens and reads `path` while `other` takes its name again and again: what is read is what lies inside.
void race(const TemporaryTree& tree, const std::string& path, const std::string& swapped, const std::string& other,
          Way way) {
  constexpr int kSwaps = 20'000;
  const std::string data = tree.path("data");
  const Descriptor root(::open(data.c_str(), O_PATH | O_DIRECTORY));
  int read = 0, refused = 0;
  const Swapper swapper(tree.path("data/" + swapped), tree.path("data/" + other));
  while (swapper.swaps() < kSwaps) {
    std::string text;
    if (way == Way::kBest) {
      const std::string error = error_of([&] { text = open_and_read(data, path); });
      ASSERT_TRUE(error.empty() || error.substr(0, 5) == "42501") << error;
    } else if (const Descriptor file = open_beneath(root.get(), path, O_RDONLY | O_NONBLOCK, 0, way)) {
      text = read_all(file.get());
    } else {
      ASSERT_EQ(errno, ELOOP);
    }
    ASSERT_TRUE(text.empty() || text == "inside too") << text;
    ++(text.empty() ? refused : read);
  }
  EXPECT_GT(read, 0);
  EXPECT_GT(refused, 0);
}

TEST_F(DirectoryTest, NothingForeignIsReadWhileTheFileIsSwapped) {
  tree_.link("data/dir/evil", "../../outside/secret");
  for (const Way way : {Way::kBest, Way::kWalk}) race(tree_, "dir/b.csv", "dir/b.csv", "dir/evil", way);
}

TEST_F(DirectoryTest, NothingForeignIsReadWhileADirectoryIsSwapped) {
  tree_.link("data/evil", "../outside");
  for (const Way way : {Way::kBest, Way::kWalk}) race(tree_, "dir/b.csv", "dir", "evil", way);
}

TEST_F(DirectoryTest, NothingForeignIsReadWhileAHardLinkIsSwapped) {
  tree_.hard_link("data/dir/evil", "outside/secret");
  race(tree_, "dir/b.csv", "dir/b.csv", "dir/evil", Way::kBest);
}

// Who replaces a file by renaming another over it never leaves the name empty, and a reader never finds it so.
TEST_F(DirectoryTest, AFileIsFoundWhileItIsReplaced) {
  std::atomic<bool> stop = false;
  std::atomic<int> replaced = 0;
  std::thread writer([&] {
    const std::string next = tree_.path("data/next"), name = tree_.path("data/a.csv");
    while (!stop) {
      ::close(::open(next.c_str(), O_CREAT | O_WRONLY, 0600));
      if (::rename(next.c_str(), name.c_str()) == 0) ++replaced;
    }
  });
  while (replaced < 20'000) EXPECT_EQ(open_error(data_, "a.csv"), "");
  stop = true;
  writer.join();
}

TEST_F(DirectoryTest, APatternNamesFiles) {
  for (const char* name : {"data/b.csv", "data/B.csv", "data/a.txt", "data/.hidden.csv", "data/dir/.x.csv",
                           "data/dir2/b.csv", "data/dir2/deep/c.csv", "data/.dot/b.csv", "data/[x].csv"}) {
    tree_.file(name, "");
  }
  tree_.directory("data/directory.csv");
  EXPECT_EQ(expand(data_, "*.csv"), (Paths{"B.csv", "[x].csv", "a.csv", "b.csv"}));
  EXPECT_EQ(expand(data_, "[ab].csv"), (Paths{"a.csv", "b.csv"}));
  EXPECT_EQ(expand(data_, "[!a-z].csv"), (Paths{"B.csv"}));
  EXPECT_EQ(expand(data_, "?.*"), (Paths{"B.csv", "a.csv", "a.txt", "b.csv"}));
  EXPECT_EQ(expand(data_, ".*"), (Paths{".hidden.csv"}));
  EXPECT_EQ(expand(data_, "./dir//*"), (Paths{"dir/b.csv"}));
  EXPECT_EQ(expand(data_, "*/b.csv"), (Paths{"dir/b.csv", "dir2/b.csv"}));
  EXPECT_EQ(expand(data_, "*/.x*"), (Paths{"dir/.x.csv"}));
  EXPECT_EQ(expand(data_, ".d*/*"), (Paths{".dot/b.csv"}));
  EXPECT_EQ(expand(data_, "d*/*/*"), (Paths{"dir2/deep/c.csv"}));
  EXPECT_EQ(expand(data_, "dir?/deep/*.csv"), (Paths{"dir2/deep/c.csv"}));
  EXPECT_EQ(expand(data_, "*"), (Paths{"B.csv", "[x].csv", "a.csv", "a.txt", "b.csv"}));
  EXPECT_EQ(expand(data_, "missing/*"), Paths{});
  EXPECT_EQ(expand(data_, "a.csv/*"), Paths{});
  EXPECT_EQ(expand(data_, "*.none"), Paths{});
  // Without a wildcard it is the file, also when nobody has it.
  EXPECT_EQ(expand(data_, "./missing.csv"), Paths{"missing.csv"});
  EXPECT_EQ(expand(data_, "a[.csv"), Paths{"a[.csv"});
}

TEST_F(DirectoryTest, APatternGoesThroughEveryDirectory) {
  tree_.file("more/a.csv", "");
  tree_.file("more/0.csv", "");
  EXPECT_EQ(expand(data_ + "," + tree_.path("missing") + "," + tree_.path("more"), "*.csv"), (Paths{"0.csv", "a.csv"}));
}

TEST_F(DirectoryTest, APatternLeadsNowhereElse) {
  tree_.link("data/evil", "../outside");
  tree_.link("data/evil.csv", "../outside/b.csv");
  EXPECT_EQ(expand(data_, "*/*"), Paths{"dir/b.csv"});
  // What a link makes of a file is not passed over: open_file says its name.
  EXPECT_EQ(expand(data_, "*.csv"), (Paths{"a.csv", "evil.csv"}));
  expect_refused("evil.csv", "symbolic link");
  EXPECT_EQ(expand(data_, "e*/b.csv"), Paths{});
  for (const char* pattern : {"evil/*", "../*", "*/../*", "../outside/*", "/etc/*", "a\n*"}) {
    EXPECT_EQ(error_of([&] { expand(data_, pattern); }).substr(0, 5), "42501") << pattern;
  }
  for (const char* pattern : {"**", "**/a.csv", "dir/**", "a**b", "[[:alpha:]]*"}) {
    EXPECT_EQ(error_of([&] { expand(data_, pattern); }).substr(0, 5), "22023") << pattern;
  }
}

TEST_F(DirectoryTest, APatternIsBounded) {
  tree_.directory("data/many");
  for (std::size_t i = 0; i <= kMaxFiles; ++i) {
    const Descriptor made(::open(tree_.path("data/many/" + std::to_string(i)).c_str(), O_CREAT | O_WRONLY, 0600));
    ASSERT_TRUE(made);
  }
  EXPECT_EQ(error_of([&] { expand(data_, "many/*"); }).substr(0, 5), "54000");
  std::filesystem::remove(tree_.path("data/many/0"));
  EXPECT_EQ(expand(data_, "many/*").size(), kMaxFiles);
}

}  // namespace
}  // namespace etl::file

// Files that a sink writes: whole or not there, and nowhere else.
#include "file/output_file.hpp"

#include <gtest/gtest.h>

#include <functional>

#include "unit/error_of.hpp"
#include "unit/temporary_tree.hpp"

namespace etl::file {
namespace {

using test::TemporaryTree;

class OutputFileTest : public testing::Test {
 protected:
  OutputFileTest() {
    tree_.directory("data/dir");
    tree_.file("outside/secret", "the secret");
  }
  static std::string state_of(const std::function<void()>& call) { return error_of(call).sqlstate; }
  std::string create_state(std::string_view path) const {
    return state_of([&] { create_file(data_, path); });
  }
  std::string temporary(const OutputFile& file) const { return "data/dir/" + file.temporary(); }

  TemporaryTree tree_;
  const std::string data_ = tree_.path("data");
};

TEST_F(OutputFileTest, IsNotThereBeforeItIsWhole) {
  OutputFile file = create_file(data_, "dir/out.csv");
  EXPECT_EQ(file.temporary().substr(0, 9), ".out.csv.");
  EXPECT_EQ(file.temporary().size(), 9u + 16u);
  file.write("a,b\n");
  file.write("1,2\n");
  EXPECT_EQ(file.size(), 8u);
  EXPECT_FALSE(tree_.has("data/dir/out.csv"));
  struct stat status;
  ASSERT_EQ(::stat(tree_.path(temporary(file)).c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 07777, 0600u);
  file.publish();
  EXPECT_EQ(tree_.content("data/dir/out.csv"), "a,b\n1,2\n");
  EXPECT_EQ(tree_.entries("data/dir"), 1u);
  file.discard();
  EXPECT_TRUE(tree_.has("data/dir/out.csv"));
}

TEST_F(OutputFileTest, ReplacesAFile) {
  tree_.file("data/dir/out.csv", "old");
  OutputFile file = create_file(data_, "dir/out.csv");
  file.write("new");
  EXPECT_EQ(tree_.content("data/dir/out.csv"), "old");
  file.publish();
  EXPECT_EQ(tree_.content("data/dir/out.csv"), "new");
}

TEST_F(OutputFileTest, IsWrittenByItsPath) {
  OutputFile file = create_file(data_, "dir/out");
  std::filesystem::rename(tree_.path("data/dir"), tree_.path("data/moved"));
  tree_.link("data/dir", "../outside");
  std::ofstream(file.path_of_file(), std::ios::trunc) << "by its path";
  std::ofstream(file.path_of_directory() + "/beside") << "x";
  file.measure();
  EXPECT_EQ(file.size(), 11u);
  file.write("!");
  file.publish();
  EXPECT_EQ(tree_.content("data/moved/out"), "by its path!");
  EXPECT_TRUE(tree_.has("data/moved/beside"));
  EXPECT_EQ(tree_.entries("outside"), 1u);
}

TEST_F(OutputFileTest, RefusesATargetThatIsNoFile) {
  tree_.link("data/link", "../outside/secret");
  tree_.link("data/dangling", "../outside/new");
  tree_.link("data/out", "../outside");
  tree_.hard_link("data/hard", "outside/secret");
  tree_.pipe("data/pipe");
  tree_.socket("data/socket");
  for (const char* path : {"link", "dangling", "out", "out/new", "hard", "pipe", "socket", "dir", "", ".", "..",
                           "../new", "dir/../new", "/tmp/new", "a\nb"}) {
    EXPECT_EQ(create_state(path), "42501") << path;
  }
  EXPECT_EQ(state_of([] { create_file("", "x"); }), "42501");
  EXPECT_EQ(create_state("missing/x"), "58P01");
  tree_.file("data/file", "");
  EXPECT_EQ(create_state("file/x"), "58P01");
  EXPECT_EQ(state_of([&] { create_file(tree_.path("missing"), "x"); }), "58P01");
  EXPECT_EQ(create_state(std::string(250, 'x')), "58030");
  EXPECT_EQ(tree_.entries("outside"), 1u);
  EXPECT_EQ(tree_.content("outside/secret"), "the secret");
}

TEST_F(OutputFileTest, RefusesATargetThatCameMeanwhile) {
  OutputFile file = create_file(data_, "dir/out");
  file.write("text");
  tree_.link("data/dir/out", "../../outside/secret");
  EXPECT_EQ(state_of([&] { file.publish(); }), "42501");
  std::filesystem::remove(tree_.path("data/dir/out"));
  tree_.directory("data/dir/out");
  EXPECT_EQ(state_of([&] { file.publish(); }), "42501");
  std::filesystem::remove(tree_.path("data/dir/out"));
  file.publish();
  EXPECT_EQ(tree_.content("data/dir/out"), "text");
  EXPECT_EQ(tree_.content("outside/secret"), "the secret");
}

TEST_F(OutputFileTest, PublishesOnlyWhatItWrote) {
  OutputFile file = create_file(data_, "dir/out");
  file.write("text");
  std::filesystem::remove(tree_.path(temporary(file)));
  EXPECT_EQ(state_of([&] { file.publish(); }), "58P01");
  tree_.file(temporary(file), "foreign");
  EXPECT_EQ(state_of([&] { file.publish(); }), "42501");
  EXPECT_FALSE(tree_.has("data/dir/out"));
}

// The directory moves away and a link takes its name: both names go through the open directory.
TEST_F(OutputFileTest, StaysInItsDirectory) {
  OutputFile file = create_file(data_, "dir/out");
  file.write("text");
  std::filesystem::rename(tree_.path("data/dir"), tree_.path("data/moved"));
  tree_.link("data/dir", "../outside");
  file.publish();
  EXPECT_EQ(tree_.content("data/moved/out"), "text");
  EXPECT_EQ(tree_.entries("outside"), 1u);
}

TEST_F(OutputFileTest, LiesBeneathTheFirstDirectory) {
  tree_.directory("more/only");
  const std::string both = data_ + "," + tree_.path("more");
  OutputFile file = create_file(both, "out");
  file.publish();
  EXPECT_TRUE(tree_.has("data/out"));
  EXPECT_EQ(state_of([&] { create_file(both, "only/out"); }), "58P01");
}

TEST_F(OutputFileTest, RemovesWhatAKilledProcessLeft) {
  const std::string left = "0123456789abcdef";
  for (const std::string name : {".out.", ".other.", "out."}) tree_.file("data/dir/" + name + left, "half");
  tree_.link("data/dir/.out.0000000000000000", "../../outside/secret");
  tree_.hard_link("data/dir/.out.0000000000000001", "outside/secret");
  OutputFile first = create_file(data_, "dir/out");
  EXPECT_FALSE(tree_.has("data/dir/.out." + left));
  EXPECT_EQ(tree_.entries("data/dir"), 5u);
  OutputFile second = create_file(data_, "dir/out");  // of another process that writes now
  first.write("first");
  first.publish();
  second.publish();
  EXPECT_EQ(tree_.content("outside/secret"), "the secret");
  EXPECT_EQ(tree_.entries("data/dir"), 5u);
}

TEST_F(OutputFileTest, DiscardLeavesNothing) {
  OutputFile file = create_file(data_, "dir/out");
  EXPECT_EQ(tree_.entries("data/dir"), 1u);
  file.discard();
  EXPECT_EQ(tree_.entries("data/dir"), 0u);
}

}  // namespace
}  // namespace etl::file

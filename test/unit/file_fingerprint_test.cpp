#include "file/fingerprint.hpp"

#include <gtest/gtest.h>

#include <string>

#include "temporary_tree.hpp"

namespace etl::file {
namespace {

class Fingerprint : public ::testing::Test {
 protected:
  std::string print(std::string_view content, std::uint64_t size) {
    tree_.file("a", content);
    return fingerprint(open_file(tree_.root(), "a"), size);
  }
  bool fits(std::string_view content, std::string_view printed) {
    tree_.file("a", content);
    return begins_with(open_file(tree_.root(), "a"), printed);
  }

  test::TemporaryTree tree_;
};

TEST_F(Fingerprint, IsOfWhatWasRead) {
  const std::string of_four = print("abcdef", 4);
  EXPECT_TRUE(fits("abcdef", of_four));
  EXPECT_TRUE(fits("abcdXYZ", of_four));
  EXPECT_TRUE(fits("abcd", of_four));
  EXPECT_FALSE(fits("abc", of_four));
  EXPECT_FALSE(fits("abCdef", of_four));
  EXPECT_TRUE(fits("", print("whatever", 0)));
}

TEST_F(Fingerprint, SeesBothEndsOfALongFile) {
  const std::string middle(3 * kPrintedBytes, 'm');
  const std::string printed = print("head" + middle + "tail", middle.size() + 8);
  EXPECT_TRUE(fits("head" + middle + "tail, and more", printed));
  EXPECT_FALSE(fits("hEad" + middle + "tail", printed));
  EXPECT_FALSE(fits("head" + middle + "taiL", printed));
}

TEST_F(Fingerprint, IsOfAllOfAPackedFile) {
  for (const std::string magic : {"\x1f\x8b", "PK\x03\x04"}) {
    const std::string printed = print(magic + "packed", 2);
    EXPECT_TRUE(fits(magic + "packed", printed));
    EXPECT_FALSE(fits(magic + "pack", printed));
    EXPECT_FALSE(fits(magic + "packeD", printed));
  }
}

TEST_F(Fingerprint, OfNothingFitsNothing) {
  for (const char* other : {"", "4", ":", "x:1:2", "4:", "99999999999999999999999:1:2"}) {
    EXPECT_FALSE(fits("abcd", other)) << other;
  }
}

}  // namespace
}  // namespace etl::file

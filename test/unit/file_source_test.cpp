// Bytes of files, packed and not.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <zlib.h>

#include "core/error.hpp"
#include "file/byte_source.hpp"
#include "unit/temporary_tree.hpp"

namespace etl::file {
namespace {

using test::TemporaryTree;

std::string pack(std::string_view text) {
  z_stream stream{};
  EXPECT_EQ(deflateInit2(&stream, 6, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY), Z_OK);
  std::string packed(deflateBound(&stream, text.size()), '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(text.data()));
  stream.avail_in = static_cast<uInt>(text.size());
  stream.next_out = reinterpret_cast<Bytef*>(packed.data());
  stream.avail_out = static_cast<uInt>(packed.size());
  EXPECT_EQ(deflate(&stream, Z_FINISH), Z_STREAM_END);
  packed.resize(stream.total_out);
  deflateEnd(&stream);
  return packed;
}

std::string read_all(ByteSource& source, std::size_t piece = 1000) {
  std::string text, buffer(piece, '\0');
  while (const std::size_t got = source.read(buffer.data(), buffer.size())) text.append(buffer, 0, got);
  return text;
}

std::string lines(int count) {
  std::string text;
  for (int i = 0; i < count; ++i) text += "line " + std::to_string(i) + "\n";
  return text;
}

// Gives a byte at a time.
class Drip : public ByteSource {
 public:
  explicit Drip(std::string text) : text_(std::move(text)) {}
  std::size_t read(char* buffer, std::size_t size) override {
    if (at_ == text_.size() || size == 0) return 0;
    *buffer = text_[at_++];
    return 1;
  }
  void skip_to(std::uint64_t byte) override { at_ = byte; }

 private:
  std::string text_;
  std::size_t at_ = 0;
};

std::string unpack(std::string packed) {
  GzipSource source(std::make_unique<TextSource>(std::move(packed)));
  return read_all(source);
}

Error unpack_error(std::string packed) {
  try {
    unpack(std::move(packed));
  } catch (const Error& error) {
    return error;
  }
  return {"", ""};
}

class SourceTest : public testing::Test {
 protected:
  std::unique_ptr<ByteSource> open(std::string_view content) {
    tree_.file("f", content);
    return open_source(open_file(tree_.root(), "f"));
  }
  TemporaryTree tree_;
};

TEST_F(SourceTest, APlainFile) {
  const std::string text = lines(100'000);
  const auto source = open(text);
  EXPECT_EQ(read_all(*source, 3 * kChunk), text);
  source->skip_to(10);
  EXPECT_EQ(read_all(*source), text.substr(10));
  source->skip_to(text.size() + 10);
  EXPECT_EQ(read_all(*source), "");
  std::string buffer(2 * kChunk, '\0');
  source->skip_to(0);
  EXPECT_EQ(source->read(buffer.data(), buffer.size()), kChunk);
  for (const char* small : {"", "x", "\x1f", "\x1f\x8a\x08"}) EXPECT_EQ(read_all(*open(small)), small);
}

TEST_F(SourceTest, ACheckIsCalledForEachPiece) {
  tree_.file("f", lines(100'000));
  Limits limits;
  int left = 3;
  limits.check = [&] {
    if (left-- == 0) throw Error("57014", "canceling statement due to user request");
  };
  std::string buffer(kChunk / 2, '\0');
  const auto source = open_source(open_file(tree_.root(), "f"), limits);
  EXPECT_EQ(source->read(buffer.data(), buffer.size()), buffer.size());
  source->skip_to(kChunk);
  EXPECT_EQ(source->read(buffer.data(), 3), 3u);
  EXPECT_EQ(buffer.substr(0, 3), lines(100'000).substr(kChunk, 3));
  EXPECT_THROW(source->read(buffer.data(), 3), Error);
  left = 2;
  EXPECT_THROW(source->skip_to(100 * kChunk), Error);
}

TEST_F(SourceTest, AFileThatCannotBeReadSaysItsName) {
  tree_.file("f", "text");
  File file = open_file(tree_.root(), "f");
  file.descriptor = Descriptor(::open(tree_.path("f").c_str(), O_WRONLY));
  FileSource source(std::move(file));
  char buffer[4];
  try {
    source.read(buffer, sizeof buffer);
    ADD_FAILURE();
  } catch (const Error& error) {
    EXPECT_EQ(error.sqlstate, "58030");
    EXPECT_EQ(error.message, "could not read file \"f\": Bad file descriptor");
  }
}

TEST_F(SourceTest, AGzipIsUnpacked) {
  const std::string text = lines(100'000);
  const auto source = open(pack(text));
  EXPECT_EQ(read_all(*source), text);
  EXPECT_EQ(read_all(*source), "");
  EXPECT_EQ(read_all(*open(pack(""))), "");
  const auto skipping = open(pack(text));
  skipping->skip_to(text.size() / 2);
  EXPECT_EQ(read_all(*skipping, 7), text.substr(text.size() / 2));
  skipping->skip_to(text.size() + 1);
  EXPECT_EQ(read_all(*skipping), "");
  EXPECT_THROW(skipping->skip_to(0), Error);
}

TEST_F(SourceTest, MembersAreOneStream) {
  const std::string text = lines(1000);
  EXPECT_EQ(unpack(pack(text) + pack("") + pack("more") + pack(text)), text + "more" + text);
  GzipSource drip(std::make_unique<Drip>(pack(text) + pack("more")));
  EXPECT_EQ(read_all(drip, 1), text + "more");
}

TEST_F(SourceTest, ACutGzipIsNoticed) {
  const std::string packed = pack(lines(20)) + pack("more");
  const std::size_t border = pack(lines(20)).size();
  for (std::size_t size = 1; size < packed.size(); ++size) {
    if (size == border) continue;
    const Error error = unpack_error(packed.substr(0, size));
    EXPECT_EQ(error.sqlstate, "22P04") << size;
    EXPECT_EQ(error.message, "gzip file is cut off");
    EXPECT_NE(error.detail.find("packed byte " + std::to_string(size) + ","), std::string::npos) << error.detail;
  }
}

TEST_F(SourceTest, ADamagedGzipIsNoticed) {
  const std::string packed = pack(lines(1000));
  std::string wrong = packed;
  wrong[packed.size() - 5] ^= 1;
  EXPECT_EQ(unpack_error(wrong).sqlstate, "22P04");
  EXPECT_NE(unpack_error(wrong).detail.find("incorrect data check"), std::string::npos);
  wrong = packed;
  wrong[packed.size() - 1] ^= 1;
  EXPECT_NE(unpack_error(wrong).detail.find("incorrect length check"), std::string::npos);
  wrong = packed;
  wrong[packed.size() / 2] ^= 0x55;
  EXPECT_EQ(unpack_error(wrong).sqlstate, "22P04");
  EXPECT_NE(unpack_error(packed + "garbage").detail.find("incorrect header check"), std::string::npos);
  EXPECT_EQ(unpack_error(packed + std::string(512, '\0')).sqlstate, "22P04");
  EXPECT_EQ(unpack_error("\x1f\x8bgarbage").message, "gzip file is damaged");
}

TEST_F(SourceTest, ABombIsStreamed) {
  const std::string packed = pack(std::string(1u << 24, '\0'));
  EXPECT_LT(packed.size(), 20'000u);
  GzipSource source(std::make_unique<TextSource>(packed + packed));
  std::string buffer(kChunk, 'x');
  std::uint64_t total = 0;
  while (const std::size_t got = source.read(buffer.data(), buffer.size())) total += got;
  EXPECT_EQ(total, 2u << 24);
}

TEST_F(SourceTest, AText) {
  TextSource source("0123456789");
  EXPECT_EQ(read_all(source, 3), "0123456789");
  source.skip_to(8);
  EXPECT_EQ(read_all(source), "89");
  source.skip_to(11);
  EXPECT_EQ(read_all(source), "");
}

}  // namespace
}  // namespace etl::file

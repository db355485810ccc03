#include "file/json_frames.hpp"

#include <algorithm>
#include <array>
#include <utility>

#include "core/json.hpp"
#include "file/utf8.hpp"
#include "file/window.hpp"

namespace etl::file {
namespace {

constexpr std::string_view kByteOrderMark = "\xef\xbb\xbf";
constexpr std::string_view kBlanks = " \t\r\n";
constexpr std::size_t kShown = 1000;  // bytes of what is passed over

// A byte order mark at the file's very beginning is no text.
void drop_byte_order_mark(Window& window) {
  while (window.held().size() < kByteOrderMark.size() && window.grow()) continue;
  if (window.held().starts_with(kByteOrderMark)) window.drop(kByteOrderMark.size());
}

class LineFrames final : public JsonFrames {
 public:
  LineFrames(std::unique_ptr<ByteSource> source, const Limits& limits, Place from, bool tail)
      : window_(std::move(source), from.byte),
        record_bytes_(limits.record_bytes),
        tail_(tail),
        lines_(from.line),
        place_(from) {
    if (from.byte == 0) drop_byte_order_mark(window_);
  }

  void next(JsonFrame& frame) override {
    frame.kind = JsonFrame::Kind::kEnd;
    while (!over_) {
      window_.drop(std::exchange(taken_, 0));
      const End end = take_line(frame);
      over_ = end == End::kNothing || (end == End::kOfFile && tail_);
      if (over_) break;
      ++lines_;
      const bool blank = frame.text.find_first_not_of(kBlanks) == frame.text.npos;
      if (blank && frame.kind == JsonFrame::Kind::kText) continue;
      place_ = {window_.offset() + taken_, lines_};
      return;
    }
    frame.kind = JsonFrame::Kind::kEnd;
  }
  Place place() const override { return place_; }

 private:
  enum class End { kOfLine, kOfFile, kNothing };

  // Makes a frame of the bytes up to the next line end, and says what they end with.
  End take_line(JsonFrame& frame) {
    std::size_t seen = 0;
    for (;;) {
      std::size_t end = window_.held().find('\n', seen);
      seen = window_.held().size();
      if (std::min(end, seen) > record_bytes_) return pass_over(frame);
      if (end == std::string_view::npos && window_.grow()) continue;
      const bool open = end == std::string_view::npos;
      if (open && seen == 0) return End::kNothing;
      if (open) end = seen;
      frame.kind = JsonFrame::Kind::kText;
      frame.text = window_.held().substr(0, end);
      if (frame.text.ends_with('\r')) frame.text.remove_suffix(1);
      taken_ = open ? end : end + 1;
      return open ? End::kOfFile : End::kOfLine;
    }
  }

  End pass_over(JsonFrame& frame) {
    shown_ = utf8_front(window_.held(), std::min(kShown, record_bytes_));
    frame.kind = JsonFrame::Kind::kTooLong;
    frame.text = shown_;
    for (;;) {
      const std::size_t end = window_.held().find('\n');
      if (end != std::string_view::npos) {
        taken_ = end + 1;
        return End::kOfLine;
      }
      window_.drop(window_.held().size());
      if (!window_.grow()) return End::kOfFile;
    }
  }

  Window window_;
  const std::size_t record_bytes_;
  const bool tail_;
  bool over_ = false;
  std::size_t taken_ = 0;  // bytes of the window that are the last frame
  std::uint64_t lines_;
  Place place_;
  std::string shown_;
};

// What a byte may mean to the end of a value.
enum class Mark : unsigned char { kNone, kQuote, kEscape, kOpen, kClose, kSeparator };

constexpr std::array<Mark, 256> kMarks = [] {
  std::array<Mark, 256> marks{};
  const auto set = [&](std::string_view bytes, Mark mark) {
    for (const char c : bytes) marks[static_cast<unsigned char>(c)] = mark;
  };
  set("\"", Mark::kQuote);
  set("\\", Mark::kEscape);
  set("{[", Mark::kOpen);
  set("}]", Mark::kClose);
  set(",:", Mark::kSeparator);
  set(kBlanks, Mark::kSeparator);
  return marks;
}();

Mark mark_of(char c) {
  return kMarks[static_cast<unsigned char>(c)];
}

// Looks for the end of one value, a piece of text at a time. Brackets are counted, not matched.
class ValueEnd {
 public:
  // Where the value that starts at the front of `text` ends; npos: behind it. What is before `from` was seen before.
  std::size_t find(std::string_view text, std::size_t from) {
    const std::size_t size = text.size();
    for (std::size_t at = from; at < size; ++at) {
      if (in_string_) {
        at += std::exchange(escaped_, false);
        while (at < size && mark_of(text[at]) != Mark::kQuote && mark_of(text[at]) != Mark::kEscape) ++at;
        if (at >= size) break;
        escaped_ = mark_of(text[at]) == Mark::kEscape;
        in_string_ = escaped_;
        if (!in_string_ && depth_ == 0) return at + 1;
        continue;
      }
      const Mark mark = mark_of(text[at]);
      if (depth_ == 0 && mark != Mark::kNone && (started_ || mark == Mark::kClose || mark == Mark::kSeparator))
        return at;
      started_ = true;
      if (mark == Mark::kQuote) in_string_ = true;
      if (mark == Mark::kOpen) ++depth_;
      if (mark == Mark::kClose && --depth_ == 0) return at + 1;
    }
    return text.npos;
  }

 private:
  std::size_t depth_ = 0;
  bool started_ = false;  // outside of brackets only the first byte may open a string or a bracket
  bool in_string_ = false;
  bool escaped_ = false;  // the last byte seen was a backslash
};

class ArrayFrames final : public JsonFrames {
 public:
  ArrayFrames(std::unique_ptr<ByteSource> source, const Limits& limits, std::vector<std::string> path)
      : window_(std::move(source), 0), record_bytes_(limits.record_bytes), path_(std::move(path)) {}

  void next(JsonFrame& frame) override {
    frame.kind = JsonFrame::Kind::kEnd;
    if (phase_ == Phase::kOver) return;
    window_.drop(std::exchange(taken_, 0));
    try {
      if (advance()) return take_element(frame);
      close();
    } catch (Broken& broken) {
      while (window_.held().size() <= kShown && window_.grow()) continue;
      shown_ = utf8_front(window_.held(), kShown);
      place_ = {window_.offset(), place_.line + 1};
      frame.kind = JsonFrame::Kind::kBroken;
      frame.text = shown_;
      frame.error = std::move(broken.error);
    }
    phase_ = Phase::kOver;
  }
  Place place() const override { return place_; }

 private:
  enum class Phase { kStart, kElements, kOver };
  struct Broken {
    Error error;
  };

  [[noreturn]] void refuse(const std::string& wanted) {
    const std::string what = peek() < 0 ? "The file ends where " + wanted + " should stand" : "There is no " + wanted;
    throw Broken{
        Error("22P02", "the file is not valid JSON", what + ", at byte " + std::to_string(window_.offset()) + ".")};
  }

  // The next byte that is no blank, or -1 at the end.
  int peek() {
    for (;;) {
      const std::size_t blanks = std::min(window_.held().find_first_not_of(kBlanks), window_.held().size());
      window_.drop(blanks);
      if (!window_.held().empty()) return static_cast<unsigned char>(window_.held().front());
      if (!window_.grow()) return -1;
    }
  }
  void expect(char c) {
    if (peek() != c) refuse(std::string("\"") + c + "\"");
    window_.drop(1);
  }

  // The length of the value at the front, which is held as a whole then. A longer one than `most` is dropped: npos.
  std::size_t look_over(std::size_t most) {
    ValueEnd end;
    bool dropped = false;
    for (std::size_t seen = 0;;) {
      const std::size_t size = end.find(window_.held(), seen);
      seen = std::min(size, window_.held().size());
      if (!dropped && seen > most) {
        shown_ = utf8_front(window_.held(), std::min(kShown, most));
        dropped = true;
      }
      if (dropped) window_.drop(std::exchange(seen, 0));
      if (size != std::string_view::npos) {
        if (size == 0 && !dropped) refuse("value");
        return dropped ? std::string_view::npos : size;
      }
      if (!window_.grow()) refuse("end of a value");
    }
  }

  // Passes over the members of an object up to that one, whose value is next then. False: the object is over.
  bool find_member(const std::string* name, bool first) {
    for (;; first = false) {
      if (peek() == '}') {
        window_.drop(1);
        return false;
      }
      if (!first) expect(',');
      if (peek() != '"') refuse("name of a member");
      const std::size_t size = look_over(record_bytes_);
      bool found = false;
      if (size != std::string_view::npos) {
        found = name != nullptr && is_name(window_.held().substr(0, size), *name);
        window_.drop(size);
      }
      expect(':');
      peek();
      if (found) return true;
      look_over(0);
    }
  }
  static bool is_name(std::string_view token, std::string_view name) {
    if (token.find('\\') == token.npos) return token.substr(1, token.size() - 2) == name;
    try {
      return json::text(json::parse(token, "the name of a member")) == name;
    } catch (Error& error) {
      throw Broken{std::move(error)};
    }
  }

  void find_array() {
    drop_byte_order_mark(window_);
    for (const std::string& name : path_) {
      if (peek() != '{') refuse_path();
      window_.drop(1);
      if (!find_member(&name, true)) refuse_path();
    }
    if (peek() != '[') refuse_path();
    window_.drop(1);
  }
  [[noreturn]] void refuse_path() {
    if (peek() < 0) refuse("array of records");
    if (path_.empty()) {
      throw Broken{Error("22P02", "the file is not a JSON array", "",
                         "Name the members that lead to the array of records; a file with one object a line is of "
                         "format ndjson.")};
    }
    std::string path;
    for (const std::string& name : path_) path += (path.empty() ? "" : ".") + name;
    throw Broken{Error("22P02", "the file has no array at \"" + path + "\"", "",
                       "Name the members that lead to the array of records, from the outermost object on.")};
  }

  // True when an element is next, false behind the array.
  bool advance() {
    const bool first = phase_ == Phase::kStart;
    if (first) find_array();
    phase_ = Phase::kElements;
    if (peek() == ']') {
      window_.drop(1);
      return false;
    }
    if (!first) expect(',');
    peek();
    return true;
  }
  void take_element(JsonFrame& frame) {
    const std::size_t size = look_over(record_bytes_);
    const bool held = size != std::string_view::npos;
    frame.kind = held ? JsonFrame::Kind::kText : JsonFrame::Kind::kTooLong;
    frame.text = held ? window_.held().substr(0, size) : shown_;
    taken_ = held ? size : 0;
    place_ = {window_.offset() + taken_, place_.line + 1};
  }
  // What is behind the array ends the objects that it stands in, and the file.
  void close() {
    for (std::size_t level = 0; level < path_.size(); ++level) find_member(nullptr, false);
    if (peek() >= 0) refuse("end of the file");
  }

  Window window_;
  const std::size_t record_bytes_;
  const std::vector<std::string> path_;
  Phase phase_ = Phase::kStart;
  std::size_t taken_ = 0;  // bytes of the window that are the last frame
  Place place_;
  std::string shown_;
};

}  // namespace

std::unique_ptr<JsonFrames> make_line_frames(std::unique_ptr<ByteSource> source, const Limits& limits, Place from,
                                             bool tail) {
  return std::make_unique<LineFrames>(std::move(source), limits, from, tail);
}

std::unique_ptr<JsonFrames> make_array_frames(std::unique_ptr<ByteSource> source, const Limits& limits,
                                              std::vector<std::string> path) {
  return std::make_unique<ArrayFrames>(std::move(source), limits, std::move(path));
}

}  // namespace etl::file

// The text that yaml::parse() reads, made safe for yaml-cpp, and the errors that point into it.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace etl::yaml {

// Positions are bytes of text() from 0, negative for unknown; errors count lines and characters from 1.
class Source {
 public:
  // Error 54000 for a text longer than kMaxText, 22P02 for one that is not UTF-8, or holds control characters or
  // directives.
  Source(std::string_view text, std::string_view what);
  Source(const Source&) = delete;
  Source& operator=(const Source&) = delete;

  // Without a byte order mark, lines ended by LF, and closed by a line "..." where yaml-cpp would not notice that a
  // quote is still open: behind a line end.
  std::string_view text() const { return text_; }
  bool is_behind_end(int position) const { return position >= 0 && static_cast<std::size_t>(position) >= size_; }
  // Does a line of just this, --- or ..., or one that begins with it and a blank, start here? The position is known.
  bool is_marker(int position, std::string_view marker) const;

  [[noreturn]] void invalid(int position, const std::string& detail, const std::string& hint = {}) const;    // 22P02
  [[noreturn]] void not_json(int position, const std::string& detail, const std::string& hint = {}) const;   // 22P02
  [[noreturn]] void too_large(int position, const std::string& detail, const std::string& hint = {}) const;  // 54000
  [[noreturn]] void too_deep(int position) const;                                                            // 54001

 private:
  void check_characters() const;
  void check_directives() const;
  std::string place(int position) const;

  std::string what_;
  std::string text_;
  std::size_t size_;  // without the line that was added
};

}  // namespace etl::yaml

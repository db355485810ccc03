// yaml-cpp's own emitter does not hold the contract: it writes a literal block as "|", without the indicators of
// chomping and indentation, and leaves the strings true and 12 plain.
#include <algorithm>
#include <array>
#include <cstdio>

#include "core/yaml.hpp"
#include "core/yaml_scalar.hpp"

namespace etl::yaml {

namespace {

constexpr std::size_t kMaxKey = 1000;  // readers look for the colon in the first 1024 characters
constexpr int kStep = 2;               // columns a level, and the indentation indicator of literal blocks

// May it be a literal block? Something else than blanks and line ends must be in it, and nothing that needs an escape.
bool is_block(std::string_view text) {
  if (text.find('\n') == std::string_view::npos || text.find_first_not_of(" \t\n") == std::string_view::npos)
    return false;
  for (std::size_t at = 0; at < text.size();) {
    const auto character = next_character(text, at);
    if (!character || (!is_printable(*character) && *character != '\n')) return false;
  }
  return true;
}

class Writer {
 public:
  std::string document(const json::Value& value) {
    if (is_filled(value)) {
      collection(value, 0, false);
    } else if (value.IsString()) {
      quoted(json::text(value));  // a block wants something that it is indented from
      end_line();
    } else {
      scalar(value, 0);
      end_line();
    }
    return std::move(out_);
  }

 private:
  static bool is_filled(const json::Value& value) {
    return (value.IsObject() && value.MemberCount() > 0) || (value.IsArray() && !value.Empty());
  }

  [[noreturn]] static void too_large(const std::string& detail) {
    throw Error("54000", "the value is too large for YAML", detail, "Use JSON.");
  }

  void count_node() {
    if (++nodes_ > kMaxNodes) too_large("It has more than " + std::to_string(kMaxNodes) + " keys and values.");
  }

  static void check_level(int column) {
    if (column / kStep < kMaxDepth) return;
    throw Error("54001", "the value is nested too deeply for YAML",
                "It has more than " + std::to_string(kMaxDepth) + " levels.", "Use JSON.");
  }

  void end_line() {
    out_ += '\n';
    if (out_.size() > kMaxText) too_large("The text would be longer than " + std::to_string(kMaxText) + " bytes.");
    if (out_.size() - scalar_ > kMaxScalar) {
      too_large("A value would be longer than " + std::to_string(kMaxScalar) + " bytes.");
    }
  }

  void indent(int columns) { out_.append(static_cast<std::size_t>(columns), ' '); }

  // A mapping or a sequence that is not empty, from column `at` on. Behind "- " its first line is begun already.
  void collection(const json::Value& value, int at, bool begun) {
    count_node();
    check_level(at);
    auto line = [&] {
      if (!begun) indent(at);
      begun = false;
    };
    if (value.IsObject()) {
      for (const auto& member : value.GetObject()) {
        line();
        key(json::text(member.name));
        if (is_filled(member.value)) {
          end_line();
          collection(member.value, at + kStep, false);
        } else {
          out_ += ' ';
          scalar(member.value, at);
          end_line();
        }
      }
      return;
    }
    for (const json::Value& item : value.GetArray()) {
      line();
      out_ += "- ";
      if (is_filled(item)) {
        collection(item, at + kStep, true);
      } else {
        scalar(item, at);
        end_line();
      }
    }
  }

  void key(std::string_view text) {
    count_node();
    const std::size_t begin = scalar_ = out_.size();
    plain_or_quoted(text);
    if (out_.size() - begin > kMaxKey) too_large("A key would be longer than " + std::to_string(kMaxKey) + " bytes.");
    out_ += ':';
  }

  // Without the end of its last line. `at` is the column of the collection that holds it.
  void scalar(const json::Value& value, int at) {
    count_node();
    scalar_ = out_.size();
    if (value.IsObject() || value.IsArray()) {
      check_level(at + kStep);
      out_ += value.IsObject() ? "{}" : "[]";
    } else if (value.IsDouble()) {
      real(json::write(value));
    } else if (!value.IsString()) {
      out_ += json::write(value);
    } else if (is_block(json::text(value))) {
      block(json::text(value), at + kStep);
    } else {
      plain_or_quoted(json::text(value));
    }
  }

  // YAML 1.1 wants a point and a sign before it takes an exponent for one: 1e21 is a string to it.
  void real(const std::string& number) {
    const std::size_t exponent = number.find('e');
    out_ += number.substr(0, exponent);
    if (exponent == std::string::npos) return;
    if (number.find('.') == std::string::npos) out_ += ".0";
    out_ += 'e';
    if (number[exponent + 1] != '-') out_ += '+';
    out_ += number.substr(exponent + 1);
  }

  void plain_or_quoted(std::string_view text) {
    if (is_plain_string(text)) {
      out_ += text;
    } else {
      quoted(text);
    }
  }

  void quoted(std::string_view text) {
    scalar_ = out_.size();
    out_ += '"';
    for (std::size_t at = 0; at < text.size();) {
      const std::size_t begin = at;
      const auto character = next_character(text, at);
      if (!character) throw Error("22021", "a string is not valid UTF-8", {}, "Store it in UTF-8.");
      if (*character == '"' || *character == '\\') {
        out_ += '\\';
        out_ += text[begin];
      } else if (is_printable(*character) && *character != '\t') {
        out_ += text.substr(begin, at - begin);
      } else {
        escape(*character);
      }
    }
    out_ += '"';
  }

  void escape(char32_t character) {
    if (character == '\n') {
      out_ += "\\n";
    } else if (character == '\r') {
      out_ += "\\r";
    } else if (character == '\t') {
      out_ += "\\t";
    } else {
      std::array<char, 8> digits{};
      (void)std::snprintf(digits.data(), digits.size(), "\\u%04x", static_cast<unsigned>(character));
      out_ += digits.data();
    }
  }

  // |, with its indentation where the first line does not show it, and - or + for no or several line ends at the end.
  void block(std::string_view text, int at) {
    out_ += '|';
    if (text[0] == ' ' || text[0] == '\t' || text[0] == '\n') out_ += std::to_string(kStep);
    if (text.back() != '\n') {
      out_ += '-';
    } else {
      text.remove_suffix(1);
      if (text.back() == '\n') out_ += '+';
    }
    for (std::size_t begin = 0; begin <= text.size();) {
      const std::size_t end = std::min(text.find('\n', begin), text.size());
      end_line();
      if (end > begin) indent(at);
      out_ += text.substr(begin, end - begin);
      begin = end + 1;
    }
  }

  std::string out_;
  std::size_t nodes_ = 0;
  std::size_t scalar_ = 0;  // where the key or scalar that was begun last begins
};

}  // namespace

std::string write(const json::Value& value) {
  return Writer().document(value);
}

}  // namespace etl::yaml

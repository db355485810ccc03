// The events of yaml-cpp become a list of our own, which is played into a document at the end: an alias is the
// repetition of a part of that list, so that every limit holds for what is expanded, before it is expanded.
//
// yaml-cpp recurses once a level, and each level is announced by an event first, so that the depth is bounded here. Its
// scanner does not recurse, but holds back the tokens of a flow collection until it ends, some 240 bytes of memory a
// byte: 4 GB of them for 16 MB of "[". So Input ends the text when too much of it was read for one event. Debian builds
// it with assertions; none is known that a text can reach.
#include "core/yaml.hpp"

#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/parser.h>

#include <algorithm>
#include <cmath>
#include <deque>
#include <istream>
#include <map>
#include <set>
#include <streambuf>
#include <vector>

#include "core/yaml_scalar.hpp"
#include "core/yaml_source.hpp"

namespace etl::yaml {

namespace {

using rapidjson::SizeType;
using Style = YAML::EmitterStyle::value;

constexpr std::string_view kCoreTag = "tag:yaml.org,2002:";

// The bytes for yaml-cpp, which it takes 2 kB at a time.
class Input : public std::streambuf {
 public:
  explicit Input(const Source& source) : source_(source) {
    char* const begin = const_cast<char*>(source.text().data());  // the get area is never written to
    setg(begin, begin, begin + source.text().size());
    read_ = begin;
  }
  // An event came, of what stands at this position: all that was read so far belongs to it and to those before.
  void mark_event(int position) {
    read_ = gptr();
    position_ = position;
  }

 protected:
  std::streamsize xsgetn(char* to, std::streamsize count) override {
    if (gptr() - read_ > kLookAhead) {
      source_.too_large(position_,
                        "A scalar, comment or flow collection here, or behind what is here, is longer than " +
                            std::to_string(kMaxScalar) + " bytes.",
                        "Write collections in block style or as JSON, and values shorter.");
    }
    return std::streambuf::xsgetn(to, count);
  }

 private:
  // A key, indentation and two helpings of yaml-cpp may come before and behind a scalar of the longest kind.
  static constexpr std::ptrdiff_t kLookAhead = kMaxScalar + 8192;

  const Source& source_;
  const char* read_;
  int position_ = 0;
};

struct Key {
  std::string_view text;
};
struct Start {
  bool object;
};
struct End {
  bool object;
  SizeType count;
};
using Event =
    std::variant<std::nullptr_t, bool, std::int64_t, std::uint64_t, double, std::string_view, Key, Start, End>;

// Sends events to a document.
struct Player {
  json::Document& to;

  bool operator()(std::nullptr_t) const { return to.Null(); }
  bool operator()(bool value) const { return to.Bool(value); }
  bool operator()(std::int64_t value) const { return to.Int64(value); }
  bool operator()(std::uint64_t value) const { return to.Uint64(value); }
  bool operator()(double value) const { return to.Double(value); }
  bool operator()(std::string_view text) const { return to.String(text.data(), size(text), true); }
  bool operator()(Key key) const { return to.Key(key.text.data(), size(key.text), true); }
  bool operator()(Start start) const { return start.object ? to.StartObject() : to.StartArray(); }
  bool operator()(End end) const { return end.object ? to.EndObject(end.count) : to.EndArray(end.count); }

  static SizeType size(std::string_view text) { return static_cast<SizeType>(text.size()); }
};

// The beginning of a text, as far as it is UTF-8: yaml-cpp counts in bytes.
std::string beginning(std::string_view text, std::size_t characters) {
  std::size_t at = 0;
  while (characters > 0 && at < text.size() && next_character(text, at)) --characters;
  return std::string(text.substr(0, at));
}

// For messages.
std::string shown(std::string_view value) {
  const std::string part = beginning(value, 60);
  return '"' + part + (part.size() < value.size() ? "…\"" : "\"");
}

class Builder final : public YAML::EventHandler {
 public:
  Builder(const Source& source, Input& input) : source_(source), input_(input) {}

  json::Document document() const {
    json::Document document;
    auto play = [this](json::Document& to) {
      if (documents_ > 1) to.StartArray();
      for (const Event& event : log_) std::visit(Player{to}, event);
      return documents_ > 1 ? to.EndArray(documents_) : true;
    };
    if (documents_ == 0) source_.invalid(-1, "It is empty.");
    document.Populate(play);
    return document;
  }

  void OnDocumentStart(const YAML::Mark& mark) override {
    begin(mark);
    anchors_.clear();
    nothing_ = source_.is_marker(mark.pos, "...");
    if (nothing_ || documents_ == 0) return;
    if (!source_.is_marker(mark.pos, "---")) {
      source_.invalid(mark.pos, "More follows the end of the document.", "Separate documents by a line ---.");
    }
    if (documents_ > 1) return;
    if (deepest_ == kMaxDepth) source_.too_deep(mark.pos);
    ++depth_;  // the array of all documents
    count_node();
  }
  void OnDocumentEnd() override {}

  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    begin(mark);
    if (nothing_) return;
    if (wants_key()) refuse_key("null");
    if (!open_.empty() && open_.back().block && open_.back().key == mark.pos) {
      source_.invalid(mark.pos, "A key has no colon.", "Write it as in key: value.");
    }
    scalar(nullptr, anchor);
  }

  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                const std::string& value) override {
    begin(mark);
    const Event event = resolve_tagged(tag, value);
    if (wants_key()) {
      key(event, tag, anchor, value);
    } else {
      scalar(event, anchor);
    }
  }

  void OnAlias(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    begin(mark);
    if (wants_key()) refuse_key("an alias");
    const auto node = anchors_.find(anchor);
    if (node == anchors_.end() || node->second.end == 0) {
      source_.not_json(mark.pos, "An alias stands inside of the node that it repeats.", "Write out what is meant.");
    }
    for (std::size_t i = node->second.begin; i < node->second.end; ++i) append(Event(log_[i]));
    value_done();
  }

  void OnSequenceStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor, Style) override {
    start(mark, tag, anchor, false);
  }
  void OnMapStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor, Style style) override {
    start(mark, tag, anchor, true);
    open_.back().block = style == YAML::EmitterStyle::Block;
  }
  void OnSequenceEnd() override { end(); }
  void OnMapEnd() override { end(); }

 private:
  struct Open {
    Open(bool is_object, YAML::anchor_t its_anchor) : object(is_object), anchor(its_anchor), key_next(is_object) {}

    bool object;
    YAML::anchor_t anchor;
    bool key_next;  // of an object
    SizeType count = 0;
    bool block = false;  // in block style
    int key = -1;        // position of the last one
    std::set<std::string_view> keys;
  };
  struct Range {
    std::size_t begin;
    std::size_t end;  // 0 while the node is open
  };

  void begin(const YAML::Mark& mark) {
    position_ = mark.pos;
    input_.mark_event(position_);
  }

  bool wants_key() const { return !open_.empty() && open_.back().object && open_.back().key_next; }

  [[noreturn]] void refuse_key(const std::string& what) const {
    source_.not_json(position_, "A key is " + what + ".", "Put keys into double quotes, and close all brackets.");
  }

  void count_node() {
    if (++nodes_ <= kMaxNodes) return;
    source_.too_large(position_,
                      "More than " + std::to_string(kMaxNodes) + " keys and values were found, with aliases expanded.",
                      "Split the text.");
  }

  void count_bytes(std::size_t bytes) {
    bytes_ += bytes;
    if (bytes_ <= kMaxText) return;
    source_.too_large(position_,
                      "Its strings are longer than " + std::to_string(kMaxText) + " bytes, with aliases expanded.",
                      "Split the text.");
  }

  void append(const Event& event) {
    if (std::holds_alternative<End>(event)) {
      --depth_;
    } else {
      count_node();
    }
    if (const auto* text = std::get_if<std::string_view>(&event)) count_bytes(text->size());
    if (const auto* name = std::get_if<Key>(&event)) count_bytes(name->text.size());
    if (std::holds_alternative<Start>(event)) {
      if (++depth_ > kMaxDepth) source_.too_deep(position_);
      deepest_ = std::max(deepest_, depth_);
    }
    log_.push_back(event);
  }

  void scalar(const Event& event, YAML::anchor_t anchor) {
    append(event);
    if (anchor != 0) anchors_[anchor] = {log_.size() - 1, log_.size()};
    value_done();
  }

  void value_done() {
    if (open_.empty()) {
      ++documents_;
      return;
    }
    Open& parent = open_.back();
    ++parent.count;
    parent.key_next = true;
  }

  void key(const Event& event, const std::string& tag, YAML::anchor_t anchor, const std::string& value) {
    const auto* text = std::get_if<std::string_view>(&event);
    if (text == nullptr) refuse_key(beginning(value, 60));
    if (tag == "?" && value == "<<") {
      source_.not_json(position_, "Merge keys (<<) are not read.", "Write the keys out.");
    }
    if (anchor != 0) {
      source_.not_json(position_, "Key " + shown(value) + " has an anchor.",
                       "Put an anchor behind the colon, or before the first key on a line of its own.");
    }
    if (!open_.back().keys.insert(*text).second) {
      source_.invalid(position_, "Key " + shown(value) + " stands there twice.");
    }
    append(Key{*text});
    open_.back().key_next = false;
    open_.back().key = position_;
  }

  void start(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor, bool object) {
    begin(mark);
    if (wants_key()) refuse_key(object ? "a mapping" : "a sequence");
    const std::string fitting = std::string(kCoreTag) + (object ? "map" : "seq");
    if (tag != "?" && tag != "!" && tag != fitting) refuse_tag(tag, object ? "a mapping" : "a sequence");
    if (anchor != 0) anchors_[anchor] = {log_.size(), 0};
    append(Start{object});
    open_.push_back(Open(object, anchor));
  }

  void end() {
    input_.mark_event(position_);
    const Open closed = std::move(open_.back());
    open_.pop_back();
    append(End{closed.object, closed.count});
    if (closed.anchor != 0) anchors_[closed.anchor].end = log_.size();
    value_done();
  }

  [[noreturn]] void refuse_tag(const std::string& tag, const std::string& value) const {
    const std::string name = tag.starts_with(kCoreTag) ? "!!" + tag.substr(kCoreTag.size()) : tag;
    source_.not_json(position_, "Tag " + shown(name) + " is not for " + value + ".",
                     "Tags are !!bool, !!float, !!int, !!map, !!null, !!seq and !!str.");
  }

  // The string is kept: what yaml-cpp gives lives as long as its event.
  Event string(const std::string& value) {
    for (std::size_t at = 0; at < value.size();) {
      if (next_character(value, at)) continue;  // yaml-cpp 0.7 writes one byte for these two
      source_.invalid(position_, "The escapes \\N and \\_ are not read.", "Write \\u0085 or \\u00a0.");
    }
    strings_.push_back(value);
    return std::string_view(strings_.back());
  }

  Event resolve_tagged(const std::string& tag, const std::string& value) {
    const bool core = tag.starts_with(kCoreTag);
    const std::string name = core ? tag.substr(kCoreTag.size()) : "";
    if (tag == "!" || name == "str") return string(value);
    Scalar scalar = resolve(value);
    if (const auto* whole = std::get_if<std::int64_t>(&scalar); whole != nullptr && name == "float") {
      scalar = static_cast<double>(*whole);
    }
    const bool integer = std::holds_alternative<std::int64_t>(scalar) || std::holds_alternative<std::uint64_t>(scalar);
    const bool fits = tag == "?" || (name == "null" && std::holds_alternative<std::nullptr_t>(scalar)) ||
                      (name == "bool" && std::holds_alternative<bool>(scalar)) || (name == "int" && integer) ||
                      (name == "float" && std::holds_alternative<double>(scalar));
    if (!fits) refuse_tag(tag, shown(value));
    if (const auto* real = std::get_if<double>(&scalar); real != nullptr && !std::isfinite(*real)) {
      source_.not_json(position_, "No number of JSON is " + beginning(value, 60) + ".",
                       "Put it into quotes for a string.");
    }
    if (std::holds_alternative<std::string_view>(scalar)) return string(value);
    return std::visit([](auto v) { return Event(v); }, scalar);
  }

  const Source& source_;
  Input& input_;
  int position_ = 0;
  SizeType documents_ = 0;  // that ended
  bool nothing_ = false;    // a line ... without a document before it: yaml-cpp takes that for a null
  int depth_ = 0;
  int deepest_ = 0;
  std::size_t nodes_ = 0;
  std::size_t bytes_ = 0;
  std::vector<Event> log_;
  std::vector<Open> open_;
  std::map<YAML::anchor_t, Range> anchors_;
  std::deque<std::string> strings_;
};

// "end of map not found" as a sentence.
std::string sentence(std::string_view message) {
  std::string text = beginning(message, 200);
  if (!text.empty() && text[0] >= 'a' && text[0] <= 'z') text[0] = static_cast<char>(text[0] - 'a' + 'A');
  return text + ".";
}

}  // namespace

json::Document parse(std::string_view text, std::string_view what) {
  const Source source(text, what);
  Input input(source);
  std::istream stream(&input);
  Builder builder(source, input);
  try {
    YAML::Parser parser(stream);
    while (parser.HandleNextDocument(builder)) continue;
  } catch (const YAML::Exception& error) {
    const bool open_quote = error.msg == YAML::ErrorMsg::DOC_IN_SCALAR && source.is_behind_end(error.mark.pos);
    source.invalid(error.mark.pos, open_quote ? "A quote is not closed." : sentence(error.msg));
  }
  return builder.document();
}

}  // namespace etl::yaml

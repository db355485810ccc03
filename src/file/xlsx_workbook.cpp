#include "file/xlsx_workbook.hpp"

#include <algorithm>
#include <charconv>
#include <cstring>
#include <optional>
#include <unordered_map>
#include <utility>

#include "file/xlsx_xml.hpp"

namespace etl::file {
namespace {

constexpr std::size_t kBlock = 256u << 10;
constexpr std::size_t kMostThings = 100000;  // sheets, relationships, styles: Excel has up to 65,490 of a kind

void require_room(std::size_t count, const char* things) {
  if (count < kMostThings) return;
  throw Error("54000", std::string("the workbook has too many ") + things,
              "Up to " + std::to_string(kMostThings) + " are read.");
}

int to_int(const char* text) {
  int number = -1;
  if (text != nullptr) std::from_chars(text, text + std::strlen(text), number);
  return number;
}

bool is_true(const char* text) {
  return text != nullptr && (std::string_view(text) == "1" || std::string_view(text) == "true");
}

// The part that `target` means in the part `base`: a path from the root, or from where the base stands.
std::string resolve(std::string_view base, std::string_view target) {
  std::vector<std::string_view> steps;
  const auto walk = [&](std::string_view path) {
    for (std::size_t at = 0; at <= path.size();) {
      const std::size_t end = std::min(path.find('/', at), path.size());
      const std::string_view step = path.substr(at, end - at);
      if (step == ".." && !steps.empty()) {
        steps.pop_back();
      } else if (!step.empty() && step != "." && step != "..") {
        steps.push_back(step);
      }
      at = end + 1;
    }
  };
  if (!target.starts_with('/')) walk(base.substr(0, std::min(base.rfind('/') + 1, base.size())));
  walk(target);
  std::string part;
  for (const std::string_view step : steps) part.append(part.empty() ? "" : "/").append(step);
  return part;
}

struct Relationship {
  std::string id;
  std::string type;  // the last step of its URI
  std::string part;
};

class RelationshipReader final : public XmlReader {
 public:
  RelationshipReader(Archive& archive, const std::string& base) : XmlReader(archive.open(part_of(base))), base_(base) {}
  std::vector<Relationship> found;

  static std::string part_of(std::string_view base) {
    const std::size_t name = base.rfind('/') + 1;  // 0 without a slash
    return std::string(base.substr(0, name)) + "_rels/" + std::string(base.substr(name)) + ".rels";
  }

 private:
  void start(std::string_view name, Attributes attributes) override {
    const char* const id = attributes.get("Id");
    const char* const type = attributes.get("Type");
    const char* const target = attributes.get("Target");
    const char* const mode = attributes.get("TargetMode");
    if (name != "Relationship" || id == nullptr || type == nullptr || target == nullptr) return;
    if (mode != nullptr && std::string_view(mode) == "External") return;
    require_room(found.size(), "relationships");
    const std::string_view uri(type);
    found.push_back({id, std::string(uri.substr(uri.rfind('/') + 1)), resolve(base_, target)});
  }
  void end(std::string_view) override {}
  void text(std::string_view) override {}

  std::string base_;
};

class SheetListReader final : public XmlReader {
 public:
  SheetListReader(std::unique_ptr<ArchivePart> part, const std::vector<Relationship>& relationships, Workbook& workbook)
      : XmlReader(std::move(part)), relationships_(relationships), workbook_(workbook) {}

 private:
  void start(std::string_view name, Attributes attributes) override {
    if (name == "workbookPr" && is_true(attributes.get("date1904"))) workbook_.dates = DateSystem::k1904;
    if (name != "sheet") return;
    const char* const title = attributes.get("name");
    const char* const id = attributes.get("id");
    if (title == nullptr || id == nullptr) return;
    require_room(workbook_.sheets.size(), "sheets");
    Workbook::Sheet sheet{title, ""};
    const auto found = std::find_if(relationships_.begin(), relationships_.end(),
                                    [&](const Relationship& relationship) { return relationship.id == id; });
    if (found != relationships_.end() && found->type == "worksheet") sheet.part = found->part;
    workbook_.sheets.push_back(std::move(sheet));
  }
  void end(std::string_view) override {}
  void text(std::string_view) override {}

  const std::vector<Relationship>& relationships_;
  Workbook& workbook_;
};

class StyleReader final : public XmlReader {
 public:
  StyleReader(std::unique_ptr<ArchivePart> part, std::vector<NumberFormat>& styles)
      : XmlReader(std::move(part)), styles_(styles) {}

 private:
  void start(std::string_view name, Attributes attributes) override {
    if (name == "numFmt") {
      const char* const code = attributes.get("formatCode");
      require_room(formats_.size(), "number formats");
      if (code != nullptr) formats_[to_int(attributes.get("numFmtId"))] = format_of_code(code);
    } else if (name == "cellXfs") {
      in_cells_ = true;
    } else if (name == "xf" && in_cells_) {
      require_room(styles_.size(), "styles");
      const int id = to_int(attributes.get("numFmtId"));
      const auto own = formats_.find(id);
      styles_.push_back(own == formats_.end() ? built_in_format(id) : own->second);
    }
  }
  void end(std::string_view name) override {
    if (name == "cellXfs") in_cells_ = false;
  }
  void text(std::string_view) override {}

  std::vector<NumberFormat>& styles_;
  std::unordered_map<int, NumberFormat> formats_;
  bool in_cells_ = false;
};

// <si> is one string: a <t>, or the <t> of its runs one after the other, without those of how to read them (<rPh>).
class StringReader final : public XmlReader {
 public:
  StringReader(std::unique_ptr<ArchivePart> part, SharedStrings& strings, std::size_t most)
      : XmlReader(std::move(part)), strings_(strings), most_(most) {}

 private:
  void start(std::string_view name, Attributes) override {
    if (name == "si") text_.clear();
    if (name == "rPh") phonetic_ = true;
    if (name == "t" && !phonetic_) want_text(true);
  }
  void end(std::string_view name) override {
    if (name == "t") want_text(false);
    if (name == "rPh") phonetic_ = false;
    if (name != "si") return;
    unescape(text_, 0);
    strings_.add(text_);
  }
  void text(std::string_view piece) override {
    if (text_.size() + piece.size() > most_) {
      throw Error("54000", "a string of the workbook is too long",
                  "More than " + std::to_string(most_) + " bytes were found.", "Raise etl.max_record_size.");
    }
    text_.append(piece);
  }

  SharedStrings& strings_;
  const std::size_t most_;
  std::string text_;
  bool phonetic_ = false;
};

const Relationship* find_type(const std::vector<Relationship>& relationships, std::string_view type) {
  const auto found = std::find_if(relationships.begin(), relationships.end(),
                                  [&](const Relationship& relationship) { return relationship.type == type; });
  return found == relationships.end() ? nullptr : &*found;
}

// Four hexadecimal digits of _xHHHH_ at that place.
std::optional<unsigned> unit_at(std::string_view text, std::size_t at) {
  if (text.size() < at + 7 || text[at] != '_' || text[at + 1] != 'x' || text[at + 6] != '_') return std::nullopt;
  unsigned unit = 0;
  const auto [end, error] = std::from_chars(text.data() + at + 2, text.data() + at + 6, unit, 16);
  if (error != std::errc{} || end != text.data() + at + 6) return std::nullopt;
  return unit;
}

void append_utf8(std::string& out, unsigned code) {
  const auto put = [&](unsigned byte) { out += static_cast<char>(byte); };
  if (code < 0x80) {
    put(code);
  } else if (code < 0x800) {
    put(0xc0 | code >> 6);
    put(0x80 | (code & 0x3f));
  } else if (code < 0x10000) {
    put(0xe0 | code >> 12);
    put(0x80 | (code >> 6 & 0x3f));
    put(0x80 | (code & 0x3f));
  } else {
    put(0xf0 | code >> 18);
    put(0x80 | (code >> 12 & 0x3f));
    put(0x80 | (code >> 6 & 0x3f));
    put(0x80 | (code & 0x3f));
  }
}

}  // namespace

void unescape(std::string& text, std::size_t from) {
  std::size_t at = text.find("_x", from);
  if (at == text.npos) return;
  std::string out = text.substr(0, at);
  while (at < text.size()) {
    std::optional<unsigned> code = unit_at(text, at);
    std::size_t taken = 7;
    if (code && *code >= 0xd800 && *code < 0xdc00) {
      const std::optional<unsigned> low = unit_at(text, at + 7);
      if (low && *low >= 0xdc00 && *low < 0xe000) {
        code = 0x10000 + ((*code - 0xd800) << 10) + (*low - 0xdc00);
        taken = 14;
      }
    }
    if (code && *code != 0 && (*code < 0xd800 || *code >= 0xe000)) {
      append_utf8(out, *code);
      at += taken;
    } else {
      out += text[at++];
    }
  }
  text = std::move(out);
}

char* SharedStrings::allocate(std::size_t size) {
  used_ += size + sizeof(Field);
  if (used_ > most_) {
    throw Error("54000", "the workbook's shared strings are too large",
                "More than " + std::to_string(most_) + " bytes were needed.",
                "Split the workbook, or raise etl.max_archive_size.");
  }
  if (size > left_) {
    left_ = std::max(size, kBlock);
    blocks_.push_back(std::make_unique_for_overwrite<char[]>(left_));
    free_ = blocks_.back().get();
  }
  left_ -= size;
  return std::exchange(free_, free_ + size);
}

void SharedStrings::add(std::string_view text) {
  char* const copy = allocate(text.size() + 1);
  std::memcpy(copy, text.data(), text.size());
  copy[text.size()] = '\0';
  strings_.push_back({copy, text.size()});
}

Workbook::Workbook(Archive& archive, const Limits& limits) : strings(limits.archive_bytes) {
  RelationshipReader package(archive, "");
  package.run();
  const Relationship* const document = find_type(package.found, "officeDocument");
  if (document == nullptr) throw Error("22P04", "the archive is not a workbook", "It names no main document.");
  if (document->part.ends_with(".bin")) {
    throw Error("0A000", "the workbook is a binary one (.xlsb)", "", "Save it as .xlsx.");
  }
  RelationshipReader parts(archive, document->part);
  parts.run();
  SheetListReader(archive.open(document->part), parts.found, *this).run();
  if (const Relationship* found = find_type(parts.found, "styles"); found != nullptr && archive.has(found->part)) {
    StyleReader(archive.open(found->part), styles).run();
  }
  if (const Relationship* found = find_type(parts.found, "sharedStrings");
      found != nullptr && archive.has(found->part)) {
    StringReader(archive.open(found->part), strings, limits.record_bytes).run();
  }
}

const Workbook::Sheet& Workbook::sheet(const std::string& wanted) const {
  for (const Sheet& sheet : sheets) {
    if (wanted.empty() ? !sheet.part.empty() : sheet.name == wanted) {
      if (!sheet.part.empty()) return sheet;
      throw Error("22023", "sheet \"" + wanted + "\" has no cells", "It is a chart.", "Name another sheet.");
    }
  }
  std::size_t number = 0;
  const auto [end, error] = std::from_chars(wanted.data(), wanted.data() + wanted.size(), number);
  if (!wanted.empty() && error == std::errc{} && end == wanted.data() + wanted.size() && number >= 1 &&
      number <= sheets.size() && !sheets[number - 1].part.empty()) {
    return sheets[number - 1];
  }
  std::string names;
  constexpr std::size_t kNamed = 20;
  for (std::size_t i = 0; i < std::min(sheets.size(), kNamed); ++i) {
    names += (i == 0 ? "\"" : ", \"") + sheets[i].name + "\"";
  }
  if (sheets.size() > kNamed) names += ", …";
  throw Error("22023", wanted.empty() ? "the workbook has no sheet" : "sheet \"" + wanted + "\" does not exist",
              sheets.empty() ? "" : "The workbook has " + names + ".", "Give a sheet's name, or its number from 1.");
}

}  // namespace etl::file

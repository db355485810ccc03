#include "file/xlsx_xml.hpp"

#include <expat.h>

#include <cstdint>
#include <cstdlib>
#include <new>
#include <string>
#include <utility>

namespace etl::file {

// What expat has allocated for one parser. Its allocation functions are told no parser, so the one that is at work in
// this thread is noted; each allocation starts with its size.
struct XmlReader::Memory {
  std::size_t used = 0;
  bool exhausted = false;

  static thread_local Memory* current;
  static constexpr std::size_t kHeader = alignof(std::max_align_t);

  class Scope {
   public:
    explicit Scope(Memory& memory) : before_(std::exchange(current, &memory)) {}
    ~Scope() { current = before_; }
    Scope(const Scope&) = delete;
    Scope& operator=(const Scope&) = delete;

   private:
    Memory* before_;
  };

  static std::size_t& size_of(void* block) { return *static_cast<std::size_t*>(block); }

  static void* resize(void* pointer, std::size_t size) {
    void* const block = pointer == nullptr ? nullptr : static_cast<char*>(pointer) - kHeader;
    const std::size_t before = block == nullptr ? 0 : size_of(block);
    if (size > kMemory || current->used - before + size > kMemory) {
      current->exhausted = true;
      return nullptr;
    }
    void* const moved = std::realloc(block, size + kHeader);
    if (moved == nullptr) return nullptr;
    size_of(moved) = size;
    current->used += size - before;
    return static_cast<char*>(moved) + kHeader;
  }
  static void* allocate(std::size_t size) { return resize(nullptr, size); }
  static void release(void* pointer) {
    if (pointer == nullptr) return;
    void* const block = static_cast<char*>(pointer) - kHeader;
    current->used -= size_of(block);
    std::free(block);
  }
};

thread_local XmlReader::Memory* XmlReader::Memory::current = nullptr;

namespace {

constexpr int kPiece = 64 << 10;

// Without a namespace's prefix: some writers give each element one.
std::string_view local_name(const char* name) {
  const char* at = name;
  for (; *at != '\0'; ++at) {
    if (*at == ':') name = at + 1;
  }
  return {name, static_cast<std::size_t>(at - name)};
}

}  // namespace

// What expat calls. No exception may pass through it: the first one is kept for run(), and ends the parser.
struct XmlReader::Calls {
  template <typename Event>
  static void guarded(void* self, Event event) noexcept {
    auto& reader = *static_cast<XmlReader*>(self);
    if (reader.failure_) return;
    try {
      event(reader);
    } catch (...) {
      reader.failure_ = std::current_exception();
      XML_StopParser(reader.parser_, XML_FALSE);
    }
  }
  static void start(void* self, const XML_Char* name, const XML_Char** attributes) {
    guarded(self, [&](XmlReader& reader) {
      if (++reader.depth_ > kDepth) {
        throw Error("54001", "part \"" + reader.part_->name() + "\" is nested too deeply",
                    "More than " + std::to_string(kDepth) + " levels were found.");
      }
      reader.start(local_name(name), {attributes});
    });
  }
  static void end(void* self, const XML_Char* name) {
    guarded(self, [&](XmlReader& reader) {
      --reader.depth_;
      reader.end(local_name(name));
    });
  }
  static void text(void* self, const XML_Char* piece, int size) {
    guarded(self, [&](XmlReader& reader) { reader.text({piece, static_cast<std::size_t>(size)}); });
  }
  static void doctype(void* self, const XML_Char*, const XML_Char*, const XML_Char*, int) {
    guarded(self, [](XmlReader& reader) {
      throw Error("22P02", "part \"" + reader.part_->name() + "\" has a DOCTYPE", "No workbook needs one.");
    });
  }
};

XmlReader::XmlReader(std::unique_ptr<ArchivePart> part) : part_(std::move(part)), memory_(std::make_unique<Memory>()) {
  const Memory::Scope scope(*memory_);
  const XML_Memory_Handling_Suite suite = {&Memory::allocate, &Memory::resize, &Memory::release};
  parser_ = XML_ParserCreate_MM(nullptr, &suite, nullptr);
  if (parser_ == nullptr) throw std::bad_alloc();
  XML_SetUserData(parser_, this);
  XML_SetElementHandler(parser_, &Calls::start, &Calls::end);
  XML_SetStartDoctypeDeclHandler(parser_, &Calls::doctype);
}

XmlReader::~XmlReader() {
  const Memory::Scope scope(*memory_);
  XML_ParserFree(parser_);
}

const char* XmlReader::Attributes::get(std::string_view name) const {
  for (const char** at = list; *at != nullptr; at += 2) {
    if (local_name(at[0]) == name) return at[1];
  }
  return nullptr;
}

void XmlReader::pause() {
  paused_ = true;
  XML_StopParser(parser_, XML_TRUE);
}

void XmlReader::want_text(bool wanted) {
  XML_SetCharacterDataHandler(parser_, wanted ? &Calls::text : nullptr);
}

int XmlReader::step() {
  if (std::exchange(paused_, false)) return XML_ResumeParser(parser_);
  void* const buffer = XML_GetBuffer(parser_, kPiece);
  if (buffer == nullptr) return XML_STATUS_ERROR;
  const std::size_t got = part_->read(static_cast<char*>(buffer), kPiece);
  last_ = got == 0;
  return XML_ParseBuffer(parser_, static_cast<int>(got), last_);
}

bool XmlReader::run() {
  const Memory::Scope scope(*memory_);
  while (paused_ || !last_) {
    const int status = step();
    if (failure_) std::rethrow_exception(std::exchange(failure_, nullptr));
    if (status == XML_STATUS_ERROR) refuse();
    if (paused_) return true;
  }
  return false;
}

void XmlReader::refuse() const {
  const XML_Error code = XML_GetErrorCode(parser_);
  const std::string what = "part \"" + part_->name() + "\"";
  if (memory_->exhausted)
    throw Error("54000", what + " is too large to be read", "A tag or its names take too much memory.");
  if (code == XML_ERROR_NO_MEMORY) throw std::bad_alloc();
  throw Error("22P04", what + " is not valid XML",
              std::string(XML_ErrorString(code)) + ", in line " + std::to_string(XML_GetCurrentLineNumber(parser_)) +
                  ", column " + std::to_string(XML_GetCurrentColumnNumber(parser_)) + ".");
}

}  // namespace etl::file

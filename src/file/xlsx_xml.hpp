// A part of XML, read event by event while it is unpacked (expat).
//
// A document with a DOCTYPE is refused, so that no entity is ever declared. Depth is bounded by kDepth, and all that
// expat allocates (a tag's text, the names it has seen) by kMemory.
#pragma once

#include <cstddef>
#include <exception>
#include <functional>
#include <memory>
#include <string_view>

#include "core/error.hpp"
#include "file/xlsx_archive.hpp"

struct XML_ParserStruct;

namespace etl::file {

class XmlReader {
 public:
  explicit XmlReader(std::unique_ptr<ArchivePart> part);
  virtual ~XmlReader();
  XmlReader(const XmlReader&) = delete;  // expat keeps a pointer to it
  XmlReader& operator=(const XmlReader&) = delete;

  // Delivers events until one of them calls pause(): true, or until the part's end: false. Throws what an event throws,
  // and 22P04 for what is no XML, 22P02 for a DOCTYPE, 54000 and 54001 over a limit; those of the part.
  bool run();

  static constexpr int kDepth = 256;
  static constexpr std::size_t kMemory = 32u << 20;

 protected:
  // Attributes as expat has them: name, value, …, nullptr, valid during the call. Names come without their prefix.
  struct Attributes {
    const char** list;
    // nullptr if there is none of that name.
    const char* get(std::string_view name) const;
  };
  virtual void start(std::string_view name, Attributes attributes) = 0;
  virtual void end(std::string_view name) = 0;
  virtual void text(std::string_view piece) = 0;
  // Inside of an event: it is the last one of this run().
  void pause();
  // Whether text() is called.
  void want_text(bool wanted);

 private:
  struct Memory;
  struct Calls;

  int step();
  [[noreturn]] void refuse() const;

  std::unique_ptr<ArchivePart> part_;
  std::unique_ptr<Memory> memory_;
  XML_ParserStruct* parser_ = nullptr;
  int depth_ = 0;
  bool paused_ = false;
  bool last_ = false;  // piece of the part
  std::exception_ptr failure_;
};

}  // namespace etl::file

// A growing buffer of bytes on malloc, for pg/*.cpp: a C struct, so that guarded blocks may fill it and C++ may keep
// it.
//
// Not palloc: what was encoded outlives the transaction, and a buffer may pass 1 GB. No error can leak it, because its
// owner is a C++ object outside the guarded block.
#pragma once

#include <cstdlib>
#include <cstring>

#include "pg/headers.hpp"

namespace etl::pg {

struct Bytes {
  char* data = nullptr;
  std::size_t size = 0;
  std::size_t capacity = 0;
};

// C only: raises 53200.
inline void grow(Bytes* bytes, std::size_t more) {
  const std::size_t wanted = bytes->size + more + (bytes->size + more) / 2 + 64;
  char* data = static_cast<char*>(std::realloc(bytes->data, wanted));
  if (data == nullptr) ereport(ERROR, errcode(ERRCODE_OUT_OF_MEMORY), errmsg("out of memory"));
  bytes->data = data;
  bytes->capacity = wanted;
}

// Room for `more` bytes; the caller writes them and adds to size.
inline char* reserve(Bytes* bytes, std::size_t more) {
  if (bytes->capacity - bytes->size < more) grow(bytes, more);
  return bytes->data + bytes->size;
}

inline void append(Bytes* bytes, const char* text, std::size_t length) {
  std::memcpy(reserve(bytes, length), text, length);
  bytes->size += length;
}

inline void append(Bytes* bytes, char c) {
  *reserve(bytes, 1) = c;
  ++bytes->size;
}

template <std::size_t N>
inline void append(Bytes* bytes, const char (&literal)[N]) {
  append(bytes, literal, N - 1);
}

}  // namespace etl::pg

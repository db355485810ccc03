// A credential in memory: wiped when it is dropped, overwritten or moved from.
#pragma once

#include <string.h>

#include <string>
#include <string_view>

namespace etl::http {

// Overwrites the whole buffer of `text`, then empties it.
inline void wipe(std::string& text) noexcept {
  explicit_bzero(text.data(), text.capacity());
  text.clear();
}

class Secret {
 public:
  Secret() = default;
  Secret(std::string_view value) : value_(value) {}    // NOLINT: a secret is written like a string
  Secret(const std::string& value) : value_(value) {}  // NOLINT
  Secret(const char* value) : value_(value) {}         // NOLINT
  Secret(const Secret& other) = default;
  Secret(Secret&& other) : value_(other.value_) { wipe(other.value_); }
  Secret& operator=(Secret other) {
    wipe(value_);
    value_ = other.value_;
    return *this;
  }
  ~Secret() { wipe(value_); }

  bool empty() const noexcept { return value_.empty(); }
  // The view ends with the secret.
  std::string_view reveal() const noexcept { return value_; }

 private:
  std::string value_;
};

}  // namespace etl::http

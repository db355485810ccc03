#include "file/parquet_writer.hpp"

#include <dlfcn.h>
#include <unistd.h>

#include <cstdlib>
#include <optional>
#include <string>

#include "core/error.hpp"
#include "core/signal_block.hpp"
#include "file/arrow/entry.hpp"

namespace etl::file {
namespace {

constexpr char kLibrary[] = "pg_etl_parquet.so";
// jemalloc, which some builds of Arrow have, starts a thread when it is loaded unless this says no.
constexpr char kJemalloc[] = "JE_ARROW_MALLOC_CONF";

class QuietJemalloc {
 public:
  QuietJemalloc() {
    if (const char* const value = std::getenv(kJemalloc)) before_ = value;
    ::setenv(kJemalloc, "background_thread:false", 1);
  }
  ~QuietJemalloc() {
    if (before_) {
      ::setenv(kJemalloc, before_->c_str(), 1);
    } else {
      ::unsetenv(kJemalloc);
    }
  }
  QuietJemalloc(const QuietJemalloc&) = delete;
  QuietJemalloc& operator=(const QuietJemalloc&) = delete;

 private:
  std::optional<std::string> before_;
};

// Beside the library, or program, that this code is in.
std::string path_of_library() {
  Dl_info info{};
  std::string path;
  if (::dladdr(kLibrary, &info) != 0 && info.dli_fname != nullptr) path = info.dli_fname;
  return path.substr(0, path.rfind('/') + 1) + kLibrary;
}

ParquetEntry* load() {
  const std::string path = path_of_library();
  if (::access(path.c_str(), F_OK) != 0) {
    throw Error(
        "0A000", "pg_etl was built without Apache Arrow, which writes Parquet", {},
        "Build it with make ARROW=DIR, where DIR has include/arrow and lib/libparquet.so, or write csv, json or "
        "xlsx.");
  }
  const QuietJemalloc quiet;
  void* const library = ::dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
  void* const entry = library == nullptr ? nullptr : ::dlsym(library, kParquetEntry);
  if (entry == nullptr) {
    const char* const reason = ::dlerror();
    throw Error("58P01", "could not load Apache Arrow", reason == nullptr ? "" : std::string(reason) + ".",
                "Install the libraries of Apache Arrow with which pg_etl was built where they were then.");
  }
  return reinterpret_cast<ParquetEntry*>(entry);
}

}  // namespace

std::unique_ptr<Writer> make_parquet_writer(ByteSink sink, std::vector<WriterColumn> columns,
                                            const ParquetOptions& options) {
  static ParquetEntry* entry = nullptr;
  const SignalBlock block;  // other builds of Arrow may start threads when they are loaded or first used
  if (entry == nullptr) entry = load();
  return std::unique_ptr<Writer>(entry(std::move(sink), std::move(columns), options));
}

}  // namespace etl::file

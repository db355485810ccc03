#include "file/xlsx_archive.hpp"

#include <sys/stat.h>
#include <unistd.h>
#include <zip.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <new>
#include <utility>

namespace etl::file {

// What libzip reads from: a descriptor or bytes. Counts what is read.
struct Archive::Input {
  int descriptor = -1;
  std::string_view bytes;
  std::uint64_t size = 0;
  std::uint64_t at = 0;
  std::uint64_t taken = 0;
  std::uint64_t budget = UINT64_MAX;  // of `taken`
  int failure = 0;                    // errno of a read that failed
  zip_error_t error{};

  std::int64_t read(char* buffer, std::uint64_t wanted) {
    if (taken >= budget) return -1;
    const std::uint64_t left = at < size ? size - at : 0;
    const auto most = static_cast<std::size_t>(std::min({wanted, left, std::uint64_t{1} << 20}));
    ssize_t got = static_cast<ssize_t>(most);
    if (descriptor < 0) {
      std::memcpy(buffer, bytes.data() + at, most);
    } else {
      do {
        got = pread(descriptor, buffer, most, static_cast<off_t>(at));
      } while (got < 0 && errno == EINTR);
      if (got < 0) failure = errno;
    }
    if (got > 0) {
      at += static_cast<std::uint64_t>(got);
      taken += static_cast<std::uint64_t>(got);
    }
    return got;
  }

  std::int64_t obey(void* data, zip_uint64_t length, zip_source_cmd_t command) {
    switch (command) {
      case ZIP_SOURCE_OPEN:
        at = 0;
        return 0;
      case ZIP_SOURCE_READ: {
        const std::int64_t got = read(static_cast<char*>(data), length);
        if (got < 0) zip_error_set(&error, ZIP_ER_READ, failure);
        return got;
      }
      case ZIP_SOURCE_SEEK: {
        const zip_int64_t to = zip_source_seek_compute_offset(at, size, data, length, &error);
        if (to >= 0) at = static_cast<std::uint64_t>(to);
        return to < 0 ? -1 : 0;
      }
      case ZIP_SOURCE_TELL:
        return static_cast<std::int64_t>(at);
      case ZIP_SOURCE_STAT: {
        if (length < sizeof(zip_stat_t)) return -1;
        auto* stat = static_cast<zip_stat_t*>(data);
        zip_stat_init(stat);
        stat->size = size;
        stat->valid = ZIP_STAT_SIZE;
        return sizeof *stat;
      }
      case ZIP_SOURCE_ERROR:
        return zip_error_to_data(&error, data, length);
      case ZIP_SOURCE_SUPPORTS:
        return zip_source_make_command_bitmap(ZIP_SOURCE_OPEN, ZIP_SOURCE_READ, ZIP_SOURCE_CLOSE, ZIP_SOURCE_STAT,
                                              ZIP_SOURCE_ERROR, ZIP_SOURCE_FREE, ZIP_SOURCE_SEEK, ZIP_SOURCE_TELL,
                                              ZIP_SOURCE_SUPPORTS, -1);
      case ZIP_SOURCE_CLOSE:
      case ZIP_SOURCE_FREE:
        return 0;
      default:
        zip_error_set(&error, ZIP_ER_OPNOTSUPP, 0);
        return -1;
    }
  }

  static zip_int64_t callback(void* self, void* data, zip_uint64_t length, zip_source_cmd_t command) noexcept {
    return static_cast<Input*>(self)->obey(data, length, command);
  }
};

namespace {

// The central directory of kEntries parts with names as long as they get; libzip reads it all before it says how many.
constexpr std::uint64_t kDirectoryBytes = 8u << 20;

// Of a compound file: .xls, and .xlsx with a password.
constexpr std::string_view kCompoundFile = "\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1";

}  // namespace

Archive::Archive(int descriptor, const Limits& limits)
    : input_(std::make_unique<Input>()), archive_bytes_(limits.archive_bytes), check_(limits.check) {
  struct stat status;
  if (fstat(descriptor, &status) != 0) {
    throw Error("58030", "could not read the file", std::string(std::strerror(errno)) + ".");
  }
  input_->descriptor = descriptor;
  input_->size = static_cast<std::uint64_t>(std::max<off_t>(status.st_size, 0));
  open_archive();
}

Archive::Archive(std::string_view bytes, const Limits& limits)
    : input_(std::make_unique<Input>()), archive_bytes_(limits.archive_bytes), check_(limits.check) {
  input_->bytes = bytes;
  input_->size = bytes.size();
  open_archive();
}

Archive::~Archive() {
  if (zip_ != nullptr) zip_discard(zip_);
}

void Archive::refuse(int code, const std::string& what) const {
  if (code == ZIP_ER_MEMORY) throw std::bad_alloc();
  if (input_->failure != 0) {
    throw Error("58030", "could not read the file", std::string(std::strerror(input_->failure)) + ".");
  }
  zip_error_t error;
  zip_error_init_with_code(&error, code);
  const std::string reason = std::string(zip_error_strerror(&error)) + ".";
  zip_error_fini(&error);
  if (code == ZIP_ER_NOPASSWD || code == ZIP_ER_WRONGPASSWD || code == ZIP_ER_ENCRNOTSUPP ||
      code == ZIP_ER_COMPNOTSUPP) {
    throw Error("0A000", what + " cannot be unpacked", reason, "Save the workbook again, without a password.");
  }
  throw Error("22P04", what + " is damaged or cut off", reason);
}

void Archive::open_archive() {
  if (input_->size > archive_bytes_) {
    throw Error("54000", "the file is too large", "It has " + std::to_string(input_->size) + " bytes.",
                "Split the workbook, or raise etl.max_archive_size.");
  }
  char front[kCompoundFile.size()];
  if (input_->read(front, sizeof front) == sizeof front && std::string_view(front, sizeof front) == kCompoundFile) {
    throw Error("0A000", "the workbook is encrypted, or of Excel 97", "",
                "Save it as .xlsx (Office Open XML) without a password.");
  }
  zip_error_t error;
  zip_error_init(&error);
  zip_source_t* source = zip_source_function_create(&Input::callback, input_.get(), &error);
  if (source == nullptr) throw std::bad_alloc();
  input_->budget = input_->taken + kDirectoryBytes;
  zip_ = zip_open_from_source(source, ZIP_RDONLY, &error);
  const bool spent = input_->taken >= input_->budget;
  input_->budget = UINT64_MAX;
  if (zip_ == nullptr) zip_source_free(source);
  if (spent || (zip_ != nullptr && zip_get_num_entries(zip_, 0) > kEntries)) {
    if (zip_ != nullptr) zip_discard(std::exchange(zip_, nullptr));
    throw Error("54000", "the archive has too many entries", "Up to " + std::to_string(kEntries) + " are read.");
  }
  if (zip_ == nullptr) refuse(zip_error_code_zip(&error), "the archive");
}

std::int64_t Archive::find(const std::string& name) const {
  const std::int64_t exact = zip_name_locate(zip_, name.c_str(), 0);
  return exact >= 0 ? exact : zip_name_locate(zip_, name.c_str(), ZIP_FL_NOCASE);
}

bool Archive::has(const std::string& name) const {
  return find(name) >= 0;
}

std::unique_ptr<ArchivePart> Archive::open(const std::string& name) {
  const std::int64_t index = find(name);
  if (index < 0)
    throw Error("22P04", "the archive has no part \"" + name + "\"", "It is not a workbook, or is damaged.");
  zip_file_t* file = zip_fopen_index(zip_, static_cast<zip_uint64_t>(index), 0);
  if (file == nullptr) refuse(zip_error_code_zip(zip_get_error(zip_)), "part \"" + name + "\"");
  return std::unique_ptr<ArchivePart>(new ArchivePart(*this, name, file));
}

ArchivePart::ArchivePart(Archive& archive, std::string name, zip_file* file)
    : archive_(archive), name_(std::move(name)), file_(file), packed_before_(archive.input_->taken) {}

ArchivePart::~ArchivePart() {
  zip_fclose(file_);
}

std::size_t ArchivePart::read(char* buffer, std::size_t size) {
  if (archive_.check_) archive_.check_();
  const zip_int64_t got = zip_fread(file_, buffer, size);
  if (got < 0) archive_.refuse(zip_error_code_zip(zip_file_get_error(file_)), "part \"" + name_ + "\"");
  unpacked_ += static_cast<std::uint64_t>(got);
  const std::uint64_t packed = archive_.input_->taken - packed_before_;
  if (unpacked_ > archive_.archive_bytes_) {
    throw Error("54000", "part \"" + name_ + "\" of the archive is too large",
                "More than " + std::to_string(archive_.archive_bytes_) + " bytes came out of it.",
                "Split the workbook, or raise etl.max_archive_size.");
  }
  if (unpacked_ > Archive::kRatioFloor && unpacked_ / Archive::kRatio > packed) {
    throw Error("54000", "part \"" + name_ + "\" of the archive is packed too tightly",
                std::to_string(unpacked_) + " bytes came out of " + std::to_string(packed) + ".");
  }
  return static_cast<std::size_t>(got);
}

}  // namespace etl::file

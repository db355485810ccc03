// A file that a sink writes: under a temporary name until it is whole, then renamed, so that nobody ever reads half of
// it.
//
// It lies beneath the first directory of etl.data_directory (file/directory.hpp), and its temporary name is `.NAME.X`
// with 16 hexadecimal digits X, in the directory of the path NAME itself, which must exist (58P01). Both names go
// through an open descriptor of that directory: what is renamed or linked meanwhile cannot lead elsewhere. A target
// that exists is replaced when it is a regular file with one link, and refused (42501) when it is anything else.
//
// Who writes holds a lock (flock) on the temporary file. A process that was killed leaves its own behind, without a
// lock: create_file removes what it finds of the same path.
//
//   OutputFile file = create_file(directories, "out/sales.csv");
//   file.write(bytes);
//   file.publish();  // fsync, rename, fsync of the directory
//
// Errors: 42501, 58P01 and 58030 as of open_file, 53100 of a full disk. After an error of sync() or publish() what the
// disk holds is unknown: discard the file. Closing alone removes nothing.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "file/descriptor.hpp"

namespace etl::file {

class OutputFile {
 public:
  const std::string& temporary() const noexcept { return temporary_; }  // the last component of its path
  std::uint64_t size() const noexcept { return size_; }                 // in bytes: where write() appends

  void write(std::string_view bytes);
  // For a library that only takes names: paths of this very file and of its directory, which nothing that is renamed or
  // linked meanwhile can lead elsewhere. For this process, as long as the object lives. Behind what has written through
  // them comes measure(), which sees how long the file is now.
  std::string path_of_file() const;
  std::string path_of_directory() const;
  void measure();
  void sync();
  // Gives it its name. A crash leaves it under one of both names, whole under either.
  void publish();
  // Removes the temporary file, unless it is published.
  void discard() noexcept;

 private:
  friend OutputFile create_file(std::string_view directories, std::string_view path);
  OutputFile(std::string_view directories, std::string_view path);
  void check_target() const;
  void check_temporary() const;
  void remove_leftovers() const;

  std::string path_;  // as given
  std::string name_;  // its last component
  std::string temporary_;
  Descriptor directory_;
  Descriptor file_;
  std::uint64_t size_ = 0;
  bool published_ = false;
};

OutputFile create_file(std::string_view directories, std::string_view path);

}  // namespace etl::file

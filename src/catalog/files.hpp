// Files that a pipeline has read: etl.source_file. An incremental pipeline reads on from here.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace etl::catalog {

struct FileState {
  std::string path;
  std::uint64_t byte = 0;  // of the unpacked file: read up to here
  std::uint64_t line = 0;
  bool finished = false;  // read to the end that it had then
  std::uint64_t inode = 0;
  std::uint64_t size = 0;  // of the file, as it was
  std::int64_t modified_ns = 0;
  std::string fingerprint;  // of what was read (file/fingerprint.hpp)
};

std::vector<FileState> read_files(std::int64_t pipeline, const std::string& step);
bool has_files(std::int64_t pipeline);
// Adds and replaces.
void save_files(std::int64_t pipeline, const std::string& step, const std::vector<FileState>& files);
void save_files(std::int64_t pipeline, const std::string& step, const std::string& files);
// As JSON.
std::string write_files(const std::vector<FileState>& files);

}  // namespace etl::catalog

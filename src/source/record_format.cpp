#include "source/record_format.hpp"

#include "source/file_access.hpp"
#include "source/record_source.hpp"

namespace etl::source {

RecordFormat::RecordFormat(const json::Value& params, const file::Limits& limits)
    : pattern_(json::text(params["path"])), declared_(declared_columns(params)), limits_(limits) {}

void RecordFormat::want_order(const json::Value& params, bool header) const {
  if (header || declared_.size() < 2 || !params["columns"].IsObject()) return;
  throw Error("22023", "columns of a file without a header need an order", "An object has none.",
              "Write them as [{\"name\": \"a\", \"type\": \"integer\"}, …].");
}

std::vector<RecordColumn> RecordFormat::columns() const {
  const std::string directories = file_directories();
  const std::vector<std::string> paths = file::expand(directories, pattern_);
  if (paths.empty()) {
    throw Error("58P01", "no file matches \"" + pattern_ + "\"", {},
                "Put one beneath a directory of etl.data_directory.");
  }
  file::File first = file::open_file(directories, paths[0]);
  return declared_.empty() ? infer(std::move(first)) : declared_;
}

std::unique_ptr<RecordPages> RecordFormat::open(OriginSpec spec) const {
  return std::make_unique<RecordSource>(shared_from_this(), std::move(spec));
}

}  // namespace etl::source

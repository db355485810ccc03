#include "source/record_source.hpp"

#include <algorithm>
#include <cerrno>

#include "file/beneath.hpp"
#include "file/fingerprint.hpp"
#include "pg/transaction.hpp"
#include "source/file_access.hpp"

namespace etl::source {

namespace {

constexpr double kRecordBytes = 100;                      // a guess, for progress
constexpr std::size_t kBadBytes = std::size_t{64} << 20;  // of a page

Error changed(const std::string& path, const std::string& how) {
  return Error("55000", "file \"" + path + "\" has changed since the run began to read it", how,
               "Let etl.reset forget the position, and run the pipeline again.");
}

}  // namespace

RecordSource::RecordSource(std::shared_ptr<const RecordFormat> format, OriginSpec spec)
    : format_(std::move(format)),
      spec_(std::move(spec)),
      typer_(RecordTyper::Kind::kFile, spec_.step, spec_.columns.size(), format_->encoding(), spec_.quarantine,
             spec_.max_dead_letters) {
  for (const pg::Column& column : spec_.columns) names_.push_back(column.name);
}

void RecordSource::open() {
  directories_ = file_directories();
  paths_ = file::expand(directories_, format_->pattern());
  if (!spec_.incremental) return;
  for (catalog::FileState& state : catalog::read_files(spec_.pipeline, spec_.step)) {
    const std::string path = state.path;
    known_[path] = std::move(state);
  }
  before_ = known_;
}

std::unique_ptr<pg::Relation> RecordSource::make_page(bool keep) const {
  return std::make_unique<pg::Relation>(spec_.columns, keep);
}

// Whether an incremental run has nothing to read in the file; `from`: where it reads on.
bool RecordSource::skips(const file::File& file, file::Place& from) const {
  const file::Identity& identity = file.identity;
  const auto found = known_.find(identity.path);
  if (!spec_.incremental || found == known_.end()) return false;
  const catalog::FileState& was = found->second;
  const bool same = was.size == identity.size && was.modified_ns == identity.modified_ns && was.inode == identity.inode;
  if (same && was.finished) return true;
  const bool grown = same || (format_->grows() && was.inode == identity.inode && identity.size >= was.size);
  if (grown && file::begins_with(file, was.fingerprint)) from = {was.byte, was.line};
  return false;
}

// print: what the file must begin with. False: there is nothing to read in it.
bool RecordSource::start_file(const std::string& path, file::Place from, const std::string& print) {
  file::File file = file::open_file(directories_, path);
  if (!print.empty() && !file::begins_with(file, print)) throw changed(path, "It does not begin as it did.");
  if (skips(file, from)) return false;
  file_ = {file.descriptor.copy(), file.identity};
  if (!file_.descriptor) file::fail(path, "open", errno);
  const bool settled = file.identity.modified_ns / 1'000'000 + spec_.settle_ms < pg::now_us() / 1000;
  tail_ = spec_.incremental && !settled;
  typer_.set_place(path);
  reader_ = format_->read(std::move(file), names_, from, tail_);
  return true;
}

bool RecordSource::open_next() {
  reader_.reset();
  while (!reader_ && next_ < paths_.size()) (void)start_file(paths_[next_++]);
  return reader_ != nullptr;
}

// To the first record behind `after`; false when there is none.
bool RecordSource::go_to(const std::optional<pg::Key>& after) {
  if (reader_ && !again_) return true;
  again_ = false;
  next_ = 0;
  reader_.reset();
  if (!after) return open_next();
  const std::string path = after->at(0).value_or("");
  next_ = static_cast<std::size_t>(std::upper_bound(paths_.begin(), paths_.end(), path) - paths_.begin());
  if (spec_.incremental) {
    next_ = 0;  // files may come in any order: those that are read are known
    return open_next();
  }
  const std::string print = after->at(3).value_or("");
  if (print.empty()) return open_next();
  if (!std::binary_search(paths_.begin(), paths_.end(), path)) throw changed(path, "It is gone.");
  const file::Place from{std::stoull(after->at(1).value_or("0")), std::stoull(after->at(2).value_or("0"))};
  return start_file(path, from, print) || open_next();
}

// Behind the record read last.
void RecordSource::note_place(bool finished) {
  const file::Place place = reader_->place();
  const file::Identity& identity = file_.identity;
  const bool over = finished && !spec_.incremental;  // whatever follows
  std::string print = over ? std::string() : file::fingerprint(file_, place.byte);
  reached_ = pg::Key{identity.path, std::to_string(place.byte), std::to_string(place.line), print};
  if (!spec_.incremental) return;
  const catalog::FileState state{identity.path,  place.byte,    place.line,           finished,
                                 identity.inode, identity.size, identity.modified_ns, std::move(print)};
  known_[state.path] = state;
  if (!touched_.empty() && touched_.back().path == state.path) touched_.pop_back();
  touched_.push_back(state);
}

void RecordSource::again() {
  again_ = true;
  known_ = before_;
}

bool RecordSource::read(const std::optional<pg::Key>& after, pg::Relation& page) {
  page.clear();
  typer_.clear();
  touched_.clear();
  reached_.reset();
  if (!again_) before_ = known_;
  return go_to(after) && fill(page, spec_.page_rows, kBadBytes);
}

void RecordSource::read_all(pg::Relation& out) {
  out.clear();
  typer_.clear();
  if (open_next()) (void)fill(out, UINT64_MAX, SIZE_MAX);
}

// Up to that many rows, or bytes of bad records. False: all files are at their end.
bool RecordSource::fill(pg::Relation& page, std::uint64_t rows, std::size_t bad_bytes) {
  file::Record record;
  while (page.rows() + typer_.waiting() + typer_.bad().size() < rows && typer_.bad_bytes() < bad_bytes) {
    const file::Read read = reader_->next(record);
    if (read == file::Read::kEnd) {
      typer_.type(page);
      note_place(!tail_);
      if (!open_next()) return false;
    } else if (read == file::Read::kBad) {
      typer_.refuse(record.error, record.raw, record.line);
    } else {
      typer_.take(record, page);
    }
  }
  typer_.type(page);
  note_place(false);
  return true;
}

double RecordSource::rows_total() {
  double bytes = 0;
  for (const std::string& path : paths_) {
    bytes += static_cast<double>(file::open_file(directories_, path).identity.size);
  }
  return bytes / kRecordBytes;
}

std::string RecordSource::description() const {
  return format_->pattern() + " (" + std::to_string(paths_.size()) + " files)";
}

}  // namespace etl::source

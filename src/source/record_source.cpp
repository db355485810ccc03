#include "source/record_source.hpp"

#include <algorithm>

#include "core/json.hpp"
#include "pg/transaction.hpp"

namespace etl::source {

namespace {

constexpr std::size_t kPendingBytes = 4u << 20;  // typed at the latest when they are so many
constexpr double kRecordBytes = 100;             // a guess, for progress

bool is_text(std::string_view bytes) {
  rapidjson::StringBuffer out;
  rapidjson::Writer<rapidjson::StringBuffer, rapidjson::UTF8<>, rapidjson::UTF8<>, rapidjson::CrtAllocator,
                    rapidjson::kWriteValidateEncodingFlag>
      writer(out);
  return writer.String(bytes.data(), static_cast<rapidjson::SizeType>(bytes.size())) &&
         bytes.find('\0') == std::string_view::npos;
}

std::string hex(std::string_view bytes) {
  constexpr char kDigits[] = "0123456789abcdef";
  std::string text;
  for (const char c : bytes) {
    text += kDigits[static_cast<unsigned char>(c) >> 4];
    text += kDigits[static_cast<unsigned char>(c) & 15];
  }
  return text;
}

}  // namespace

RecordSource::RecordSource(RecordSpec spec) : spec_(std::move(spec)) {
  for (const pg::Column& column : spec_.columns) names_.push_back(column.name);
}

void RecordSource::open() {
  paths_ = file::expand(spec_.directories, spec_.format->pattern());
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
bool RecordSource::skips(const file::Identity& identity, file::Place& from) const {
  const auto found = known_.find(identity.path);
  if (!spec_.incremental || found == known_.end()) return false;
  const catalog::FileState& was = found->second;
  const bool same = was.size == identity.size && was.modified_ns == identity.modified_ns && was.inode == identity.inode;
  if (same && was.finished) return true;
  const bool grown = same || (spec_.format->grows() && was.inode == identity.inode && identity.size >= was.size);
  if (grown) from = {was.byte, was.line};
  return false;
}

bool RecordSource::start_file(const std::string& path, file::Place from) {
  file::File file = file::open_file(spec_.directories, path);
  identity_ = file.identity;
  if (skips(identity_, from)) return false;
  const bool settled = identity_.modified_ns / 1'000'000 + spec_.settle_ms < pg::now_us() / 1000;
  tail_ = spec_.incremental && !settled;
  reader_ = spec_.format->open(std::move(file), names_, from, tail_);
  return true;
}

bool RecordSource::open_next() {
  reader_.reset();
  while (!reader_ && next_ < paths_.size()) (void)start_file(paths_[next_++], {});
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
  if (std::binary_search(paths_.begin(), paths_.end(), path)) {
    const file::Place from{std::stoull(after->at(1).value_or("0")), std::stoull(after->at(2).value_or("0"))};
    if (start_file(path, from)) return true;
  }
  return open_next();
}

// Behind the record read last.
void RecordSource::note_place(bool finished) {
  const file::Place place = reader_->place();
  reached_ = pg::Key{identity_.path, std::to_string(place.byte), std::to_string(place.line)};
  if (!spec_.incremental) return;
  const catalog::FileState state{identity_.path,  place.byte,     place.line,           finished,
                                 identity_.inode, identity_.size, identity_.modified_ns};
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
  bad_.clear();
  touched_.clear();
  reached_.reset();
  if (!again_) before_ = known_;
  return go_to(after) && fill(page, spec_.page_rows);
}

void RecordSource::read_all(pg::Relation& out) {
  out.clear();
  bad_.clear();
  if (open_next()) (void)fill(out, UINT64_MAX);
}

// False: all files are at their end.
bool RecordSource::fill(pg::Relation& page, std::uint64_t rows) {
  file::Record record;
  while (page.rows() + pending_.lines.size() < rows) {
    const file::Read read = reader_->next(record);
    if (read == file::Read::kEnd) {
      type_pending(page);
      note_place(!tail_);
      if (!open_next()) return false;
    } else if (read == file::Read::kBad) {
      refuse(record.error, record.raw, record.line);
    } else {
      take(record);
      if (pending_.text.size() > kPendingBytes) type_pending(page);
    }
  }
  type_pending(page);
  note_place(false);
  return true;
}

void RecordSource::take(const file::Record& record) {
  auto keep = [&](const char* text, std::size_t size) {
    pending_.text.insert(pending_.text.end(), text, text + size);
    pending_.text.push_back('\0');
    return pending_.text.size() - size - 1;
  };
  pending_.lines.push_back(record.line);
  pending_.raw_at.push_back(keep(record.raw.data(), record.raw.size()));
  pending_.raw_size.push_back(record.raw.size());
  for (const file::Field& field : record.fields) {
    pending_.field_at.push_back(field.text == nullptr ? SIZE_MAX : keep(field.text, field.size));
    pending_.field_size.push_back(field.size);
  }
}

// All of them at once; where one does not fit its types, those before it, itself apart, and then the rest.
void RecordSource::type_pending(pg::Relation& page) {
  const std::size_t width = names_.size();
  std::vector<pg::TextField> fields;
  for (std::size_t i = 0; i < pending_.field_at.size(); ++i) {
    const std::size_t at = pending_.field_at[i];
    fields.push_back(at == SIZE_MAX ? pg::TextField() : pg::TextField{&pending_.text[at], pending_.field_size[i]});
  }
  pg::TextRows rows(page, spec_.format->encoding());
  std::size_t done = 0;
  while (done < pending_.lines.size()) {
    pg::Subtransaction attempt;
    try {
      rows.append({fields.begin() + static_cast<std::ptrdiff_t>(done * width), fields.end()},
                  pending_.lines.size() - done);
      attempt.release();
      break;
    } catch (const Error& error) {
      attempt.rollback();
      if (classify(error.sqlstate) != ErrorClass::kData) throw;
      done += rows.failed();
      refuse(error, {&pending_.text[pending_.raw_at[done]], pending_.raw_size[done]}, pending_.lines[done]);
      ++done;
    }
  }
  pending_ = {};
}

// Thrown, or kept as a dead letter that holds the raw text.
void RecordSource::refuse(const Error& error, std::string_view raw, std::uint64_t line) {
  Error told = error;
  told.step = spec_.step;
  const std::string place = (error.column.empty() ? "It is line " : "It is column \"" + error.column + "\" of line ") +
                            std::to_string(line) + " of \"" + identity_.path + "\"";
  const std::string shown = is_text(raw.substr(0, 200)) ? ": " + std::string(raw.substr(0, 200)) : ".";
  told.detail += (told.detail.empty() ? "" : " ") + place + shown;
  if (!spec_.quarantine) {
    told.hint = "Mend the file, or set option \"on_error\" to \"quarantine\".";
    throw told;
  }
  json::Object record;
  record.add("_file", identity_.path).add_number("_line", static_cast<std::int64_t>(line));
  if (is_text(raw)) {
    record.add("_raw", raw);
  } else {
    record.add("_raw_hex", hex(raw));
  }
  bad_.push_back({std::move(told), record.str()});
}

double RecordSource::rows_total() {
  double bytes = 0;
  for (const std::string& path : paths_) {
    bytes += static_cast<double>(file::open_file(spec_.directories, path).identity.size);
  }
  return bytes / kRecordBytes;
}

std::string RecordSource::description() const {
  return spec_.format->pattern() + " (" + std::to_string(paths_.size()) + " files)";
}

}  // namespace etl::source

#include "source/record_typer.hpp"

#include <algorithm>
#include <span>

#include "core/dead_letters.hpp"
#include "core/json.hpp"
#include "pg/transaction.hpp"

namespace etl::source {

namespace {

constexpr std::size_t kPendingBytes = 4u << 20;  // typed at the latest when they are so many

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

// Room for that many bytes; the fields that wait point into what there is.
void RecordTyper::make_room(std::size_t bytes, pg::Relation& page) {
  if (capacity_ - used_ >= bytes) return;
  type(page);
  if (capacity_ >= bytes) return;
  capacity_ = std::max(bytes, kPendingBytes);
  text_ = std::make_unique_for_overwrite<char[]>(capacity_);
}

const char* RecordTyper::keep(std::string_view text) {
  char* const kept = text_.get() + used_;
  text.copy(kept, text.size());
  kept[text.size()] = '\0';
  used_ += text.size() + 1;
  return kept;
}

void RecordTyper::take(const file::Record& record, pg::Relation& page) {
  std::size_t bytes = record.raw.size() + 1;
  for (const file::Field& field : record.fields) bytes += field.size + 1;
  make_room(bytes, page);
  records_.push_back({{keep(record.raw), record.raw.size()}, record.line});
  for (const file::Field& field : record.fields) {
    fields_.push_back(field.text == nullptr ? pg::TextField()
                                            : pg::TextField{keep({field.text, field.size}), field.size});
  }
}

// All of them at once; where one does not fit its types, those before it, itself apart, and then the rest.
void RecordTyper::type(pg::Relation& page) {
  pg::TextRows rows(page, encoding_);
  std::size_t done = 0;
  while (done < records_.size()) {
    pg::Subtransaction attempt;
    try {
      rows.append(std::span(fields_).subspan(done * columns_), records_.size() - done);
      attempt.release();
      break;
    } catch (const Error& error) {
      attempt.rollback();
      if (classify(error.sqlstate) != ErrorClass::kData) throw;
      done += rows.failed();
      refuse(error, records_[done].raw, records_[done].line);
      ++done;
    }
  }
  forget();
}

void RecordTyper::forget() {
  records_.clear();
  fields_.clear();
  used_ = 0;
  if (capacity_ <= kPendingBytes) return;  // else it was for one long record
  text_.reset();
  capacity_ = 0;
}

void RecordTyper::clear() {
  bad_.clear();
  bad_bytes_ = 0;
  forget();
}

// Thrown, or kept as a dead letter that holds the raw text.
void RecordTyper::refuse(const Error& error, std::string_view raw, std::uint64_t line) {
  Error told = error;
  told.step = step_;
  const std::string place = (error.column.empty() ? "It is line " : "It is column \"" + error.column + "\" of line ") +
                            std::to_string(line) + " of \"" + place_ + "\"";
  const std::string shown = is_text(raw.substr(0, 200)) ? ": " + std::string(raw.substr(0, 200)) : ".";
  told.detail += (told.detail.empty() ? "" : " ") + place + shown;
  if (!quarantine_) {
    told.hint = "Mend " + std::string(kind_ == Kind::kFile ? "the file" : "the source") +
                ", or set option \"on_error\" to \"quarantine\".";
    throw told;
  }
  if (static_cast<std::int64_t>(bad_.size()) >= max_dead_letters_) throw too_many_dead_letters(max_dead_letters_, told);
  json::Object record;
  record.add(kind_ == Kind::kFile ? "_file" : "_page", place_).add_number("_line", static_cast<std::int64_t>(line));
  if (is_text(raw)) {
    record.add("_raw", raw);
  } else {
    record.add("_raw_hex", hex(raw));
  }
  bad_.push_back({std::move(told), record.str()});
  bad_bytes_ += bad_.back().record.size();
  check_dead_bytes(bad_bytes_);
}

}  // namespace etl::source

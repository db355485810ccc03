#include "source/record_typer.hpp"

#include <span>

#include "core/json.hpp"
#include "pg/text_rows.hpp"
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

void RecordTyper::take(const file::Record& record, pg::Relation& page) {
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
  if (pending_.text.size() > kPendingBytes) type(page);
}

// All of them at once; where one does not fit its types, those before it, itself apart, and then the rest.
void RecordTyper::type(pg::Relation& page) {
  std::vector<pg::TextField> fields;
  for (std::size_t i = 0; i < pending_.field_at.size(); ++i) {
    const std::size_t at = pending_.field_at[i];
    fields.push_back(at == SIZE_MAX ? pg::TextField() : pg::TextField{&pending_.text[at], pending_.field_size[i]});
  }
  pg::TextRows rows(page, encoding_);
  std::size_t done = 0;
  while (done < pending_.lines.size()) {
    pg::Subtransaction attempt;
    try {
      rows.append(std::span(fields).subspan(done * columns_), pending_.lines.size() - done);
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
  json::Object record;
  record.add(kind_ == Kind::kFile ? "_file" : "_page", place_).add_number("_line", static_cast<std::int64_t>(line));
  if (is_text(raw)) {
    record.add("_raw", raw);
  } else {
    record.add("_raw_hex", hex(raw));
  }
  bad_.push_back({std::move(told), record.str()});
}

}  // namespace etl::source

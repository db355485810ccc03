// Records out of JSON: one object a line (NDJSON), or the objects of one array.
//
// A field's text: of a string its content, of a number what is written, true or false, of an object or array its JSON
// text; null is NULL, and so is a member that is missing. A member that is no column is passed over.
//
// NDJSON: a line that is no object is kBad, and the next one goes on. An array: a record that is JSON but no object is
// kBad, and the next one goes on; a syntax error is kBad once, and the file's end, because where the next record begins
// is in doubt.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "file/json_frames.hpp"
#include "file/json_record.hpp"
#include "file/record.hpp"

namespace etl::file {

struct JsonOptions {
  enum class Format { kNdjson, kArray };
  Format format = Format::kNdjson;
  std::vector<std::string> path;     // kArray: the members that lead to the array; none: it is the file
  std::vector<std::string> columns;  // the members that are wanted; none: all that the sample has
  std::size_t sample = 1000;         // records, but not more than limits.record_bytes of them
  bool tail = false;                 // kNdjson: a last line without a line end is not there yet
};

class JsonReader final : public RecordReader {
 public:
  // Goes on behind `from`, a place() of an earlier reader: of NDJSON its byte counts, of an array its line, the records
  // to skip. Without columns the file's first records are read here, wherever `from` is, and the columns are their
  // members in order of appearance; one that appears only later is never read.
  // Errors: 42701 a column is named twice; 54011 more columns than limits.fields; those of the source.
  JsonReader(std::unique_ptr<ByteSource> source, JsonOptions options, const Limits& limits, Place from = {});

  const std::vector<std::string>& columns() const override { return record_->columns(); }
  // kBad: 22P02 not JSON, or not an object; 22P05 \u0000; 22021 not UTF-8; 54000 longer than limits.record_bytes, with
  // the beginning as raw text; 54001 nested more deeply than limits.json_depth. Record::line is that of the file, or
  // the number of the array's element.
  Read next(Record& record) override;
  Place place() const override { return frames_->place(); }

  // The SQL types that fit the columns' values in the sample; empty when columns were declared. Numbers are bigint,
  // numeric with a fraction or more than 64 bits, or double precision with an exponent; true and false boolean; objects
  // and arrays jsonb; strings, and what is mixed or always null, text.
  const std::vector<std::string>& types() const { return types_; }

 private:
  std::unique_ptr<JsonFrames> make_frames(std::unique_ptr<ByteSource> source, Place from) const;
  std::unique_ptr<ByteSource> learn(std::unique_ptr<ByteSource> source);

  JsonOptions options_;
  Limits limits_;
  std::vector<std::string> types_;
  std::unique_ptr<JsonRecord> record_;
  std::unique_ptr<JsonFrames> frames_;
  JsonFrame frame_;
  bool over_ = false;
};

}  // namespace etl::file

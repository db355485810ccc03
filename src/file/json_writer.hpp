// JSON: one object a line (NDJSON), or one array of them, also an object a line:
//
//   [
//   {"id":1,"name":"a"},
//   {"id":2,"name":null}
//   ]
//
// Numbers are written as PostgreSQL writes them, with all digits; NaN and infinities are strings. json and jsonb are
// put in as they are, line ends between their tokens as blanks. All else is a string: of dates and times the output
// text, `infinity` among them.
#pragma once

#include <memory>
#include <vector>

#include "file/writer.hpp"

namespace etl::file {

enum class JsonShape : unsigned char { kLines, kArray };

std::unique_ptr<Writer> make_json_writer(ByteSink sink, std::vector<WriterColumn> columns, JsonShape shape);

}  // namespace etl::file

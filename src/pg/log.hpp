// What pg_etl writes to the server's log: a line of text, or with etl.log_format = json an object
// (core/log_record.hpp). Of a database that is not in UTF-8, JSON has U+FFFD for what is no ASCII: outside of a
// transaction, where many lines are written, PostgreSQL converts nothing.
#pragma once

#include <optional>
#include <string>

namespace etl::pg {

enum class LogLevel { kInfo, kWarning, kError };

// What a line is about, as far as it is about a run.
struct LogSubject {
  std::optional<std::string> correlation_id;
  std::optional<std::string> dataset_name;  // the pipeline's
};

// PostgreSQL's level is LOG, whatever ours: once per state change.
void log_line(LogLevel level, const std::string& message, const LogSubject& about = {});

// PostgreSQL's level is WARNING: in a session the user reads it as text, of a worker the log has it in its format.
void warn_line(const std::string& message, const std::string& hint = {}, const LogSubject& about = {});

}  // namespace etl::pg

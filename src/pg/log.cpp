#include "pg/log.hpp"

#include "core/log_record.hpp"
#include "pg/guard.hpp"
#include "pg/headers.hpp"
#include "pg/process.hpp"
#include "pg/settings.hpp"
#include "pg/transaction.hpp"

namespace etl::pg {

namespace {

constexpr const char* kLevels[] = {"info", "warning", "error"};

std::string as_json(LogLevel level, const std::string& message, const LogSubject& about) {
  return to_json({now_us(), kLevels[static_cast<int>(level)], message, about.correlation_id, about.dataset_name});
}

}  // namespace

void log_line(LogLevel level, const std::string& message, const LogSubject& about) {
  const std::string line = logs_json() ? as_json(level, message, about) : message;
  const char* text = line.c_str();
  call([&] { ereport(LOG, errmsg_internal("%s", text), errhidestmt(true), errhidecontext(true)); });
}

void warn_line(const std::string& message, const std::string& hint, const LogSubject& about) {
  const bool json = logs_json() && is_worker();
  const std::string line =
      json ? as_json(LogLevel::kWarning, hint.empty() ? message : message + "\n" + hint, about) : message;
  const char* text = line.c_str();
  const char* advice = json || hint.empty() ? nullptr : hint.c_str();
  call([&] {
    ereport(WARNING, errmsg_internal("%s", text), advice != nullptr ? errhint("%s", advice) : 0, errhidestmt(true),
            errhidecontext(json));
  });
}

}  // namespace etl::pg

#include "pg/settings.hpp"

#include "pg/headers.hpp"

extern "C" {
#include "utils/guc.h"
}

namespace etl::pg {

namespace {

int max_workers_setting = 4;
int max_record_kb_setting = 16384;
int max_json_depth_setting = 512;
int max_reply_kb_setting = 65536;
int max_archive_kb_setting = 1048576;
char* data_directory_setting = nullptr;
char* python_modules_setting = nullptr;
char* allowed_hosts_setting = nullptr;
char* secrets_directory_setting = nullptr;
bool superuser_pipelines_setting = true;
int log_format_setting = 0;
bool suspended_setting = false;
#ifdef ETL_FAULT_POINTS
char* fault_point_setting = nullptr;
#endif

// They compute, and reach neither files nor the network.
constexpr char kPythonModules[] =
    "base64, binascii, bisect, calendar, collections, copy, dataclasses, datetime, decimal, difflib, enum, fractions, "
    "functools, hashlib, heapq, hmac, html, itertools, json, math, numbers, operator, plpy, random, re, statistics, "
    "string, struct, textwrap, typing, unicodedata, uuid, zlib, zoneinfo";

constexpr config_enum_entry kLogFormats[] = {{"text", 0, false}, {"json", 1, false}, {nullptr, 0, false}};

std::string text_of(const char* value) {
  return value != nullptr ? value : "";
}

}  // namespace

void define_settings() {
  DefineCustomIntVariable("etl.max_workers", "Pipelines that run at once in a database, and steps of a run.",
                          "Other pipelines wait in state RUN_REQUESTED.", &max_workers_setting, 4, 1, 1000, PGC_SIGHUP,
                          0, nullptr, nullptr, nullptr);
  DefineCustomStringVariable(
      "etl.allowed_hosts", "Loopback, private and link-local addresses, and hosts of plain http, that may be reached.",
      "A comma list of host[:port] or CIDR[:port].", &allowed_hosts_setting, "", PGC_SUSET, 0, nullptr, nullptr,
      nullptr);
  DefineCustomStringVariable("etl.data_directory",
                             "Directories beneath which pipelines read and write files, with commas between them.",
                             "A pipeline's owner must be a member of pg_read_server_files to read there.",
                             &data_directory_setting, "", PGC_SUSET, GUC_SUPERUSER_ONLY, nullptr, nullptr, nullptr);
  DefineCustomStringVariable("etl.allowed_python_modules",
                             "Modules that functions in PL/Python may import when a pipeline calls them.",
                             "A comma list; a module is listed with its submodules.", &python_modules_setting,
                             kPythonModules, PGC_SUSET, 0, nullptr, nullptr, nullptr);
  DefineCustomIntVariable("etl.max_record_size", "The longest record of a file or a reply that is read.", nullptr,
                          &max_record_kb_setting, 16384, 1, 1048576, PGC_SUSET, GUC_UNIT_KB, nullptr, nullptr, nullptr);
  DefineCustomIntVariable("etl.max_reply_size", "The longest reply of an HTTP API that is read.",
                          "Parsed, it may take eight times as much memory.", &max_reply_kb_setting, 65536, 1, 1048576,
                          PGC_SUSET, GUC_UNIT_KB, nullptr, nullptr, nullptr);
  DefineCustomIntVariable("etl.max_json_depth",
                          "How deeply JSON of a file may be nested; a reply of an API 512 levels at most.", nullptr,
                          &max_json_depth_setting, 512, 1, 10000, PGC_SUSET, 0, nullptr, nullptr, nullptr);
  DefineCustomIntVariable("etl.max_archive_size", "The most that a part of an xlsx file may unpack to.", nullptr,
                          &max_archive_kb_setting, 1048576, 1, INT_MAX, PGC_SUSET, GUC_UNIT_KB, nullptr, nullptr,
                          nullptr);
  DefineCustomEnumVariable("etl.log_format", "How pg_etl writes its own lines to the server's log: text or json.",
                           "A line of json is an object with the keys timestamp, level, service, message, "
                           "correlation_id and dataset_name.",
                           &log_format_setting, 0, kLogFormats, PGC_SIGHUP, 0, nullptr, nullptr, nullptr);
  DefineCustomStringVariable(
      "etl.secrets_directory",
      "Directory of the files that user mappings name as password_file or api_key_file; who makes such a "
      "mapping must be a superuser or a member of pg_read_server_files.",
      nullptr, &secrets_directory_setting, "", PGC_SIGHUP, GUC_SUPERUSER_ONLY, nullptr, nullptr, nullptr);
  DefineCustomBoolVariable("etl.allow_superuser_pipelines", "Whether a superuser's pipelines run.", nullptr,
                           &superuser_pipelines_setting, true, PGC_SIGHUP, 0, nullptr, nullptr, nullptr);
  DefineCustomBoolVariable("etl.suspended", "No pipeline runs while this is on: for a physical copy of a server.",
                           nullptr, &suspended_setting, false, PGC_SIGHUP, 0, nullptr, nullptr, nullptr);
#ifdef ETL_FAULT_POINTS
  DefineCustomStringVariable("etl.fault_point", "Test builds only: where and how to fail.", nullptr,
                             &fault_point_setting, "", PGC_SUSET, 0, nullptr, nullptr, nullptr);
#endif
  MarkGUCPrefixReserved("etl");
}

int max_workers() {
  return max_workers_setting;
}
std::string allowed_hosts() {
  return text_of(allowed_hosts_setting);
}
std::string data_directory() {
  return text_of(data_directory_setting);
}
std::string allowed_python_modules() {
  return text_of(python_modules_setting);
}
std::size_t max_record_bytes() {
  return static_cast<std::size_t>(max_record_kb_setting) * 1024;
}
std::size_t max_reply_bytes() {
  return static_cast<std::size_t>(max_reply_kb_setting) * 1024;
}
int max_json_depth() {
  return max_json_depth_setting;
}
std::size_t max_archive_bytes() {
  return static_cast<std::size_t>(max_archive_kb_setting) * 1024;
}
bool logs_json() {
  return log_format_setting != 0;
}
std::string secrets_directory() {
  return text_of(secrets_directory_setting);
}
bool superuser_pipelines_allowed() {
  return superuser_pipelines_setting;
}
bool suspended() {
  return suspended_setting;
}

#ifdef ETL_FAULT_POINTS
std::string fault_point() {
  return text_of(fault_point_setting);
}
#endif

}  // namespace etl::pg

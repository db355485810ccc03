#include "pg/fault.hpp"

#ifdef ETL_FAULT_POINTS

#include <fcntl.h>
#include <unistd.h>

#include <csignal>
#include <string>

#include "core/error.hpp"
#include "pg/headers.hpp"
#include "pg/process.hpp"
#include "pg/settings.hpp"

namespace etl::pg {

namespace {

int passages = 0;

std::string field(const std::string& text, int index) {
  std::size_t start = 0;
  for (; index > 0; --index) {
    start = text.find(':', start);
    if (start == std::string::npos) return {};
    ++start;
  }
  return text.substr(start, text.find(':', start) - start);
}

bool fires(const std::string& file) {
  const int fd = open(file.c_str(), O_CREAT | O_EXCL | O_WRONLY, 0600);
  if (fd < 0) return false;
  close(fd);
  return true;
}

}  // namespace

void fault_point(int point) {
  const std::string setting = pg::fault_point();
  if (setting.empty() || field(setting, 0) != std::to_string(point)) return;
  const std::string nth = field(setting, 3);
  if (++passages < (nth.empty() ? 1 : std::stoi(nth)) || !fires(field(setting, 2))) return;
  const std::string kind = field(setting, 1);
  if (kind == "sigkill") (void)kill(getpid(), SIGKILL);
  if (kind == "postmaster") {
    (void)kill(PostmasterPid, SIGKILL);
    (void)kill(getpid(), SIGKILL);
  }
  if (kind == "sigterm") {
    (void)kill(getpid(), SIGTERM);
    for (;;) sleep_ms(1000);
  }
  throw Error("53000", "injected fault at point " + std::to_string(point));
}

}  // namespace etl::pg

#endif

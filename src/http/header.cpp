#include "http/header.hpp"

#include <curl/curl.h>
#include <string.h>

#include <algorithm>
#include <iterator>
#include <new>

namespace etl::http {
namespace {

constexpr std::string_view kReserved[] = {"accept-encoding",  "connection", "content-encoding", "content-length",
                                          "expect",           "host",       "keep-alive",       "proxy-authorization",
                                          "proxy-connection", "te",         "trailer",          "transfer-encoding",
                                          "upgrade"};

char lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
}

bool is_token_byte(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
         (c != '\0' && strchr("!#$%&'*+-.^_`|~", c) != nullptr);
}

bool is_value(std::string_view value) {
  return std::none_of(value.begin(), value.end(), [](unsigned char c) { return c < 0x20 || c == 0x7f; });
}

std::string_view trim(std::string_view text) {
  const auto blank = [](char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\n'; };
  while (!text.empty() && blank(text.front())) text.remove_prefix(1);
  while (!text.empty() && blank(text.back())) text.remove_suffix(1);
  return text;
}

std::string checked_name(std::string_view name) {
  if (name.empty() || name.size() > 256 || !std::all_of(name.begin(), name.end(), is_token_byte)) {
    throw Error("22023", "HTTP header name is not valid", "",
                "A header name has letters, digits and !#$%&'*+-.^_`|~ only.");
  }
  std::string key(name);
  std::transform(key.begin(), key.end(), key.begin(), lower);
  if (std::find(std::begin(kReserved), std::end(kReserved), key) != std::end(kReserved)) {
    throw Error("22023", "HTTP header \"" + std::string(name) + "\" cannot be set", "The client sets it by itself.");
  }
  return key;
}

void check_value(std::string_view what, std::string_view value) {
  if (is_value(value)) return;
  throw Error("22023", "value of " + std::string(what) + " contains a control character", "",
              "Line breaks and other control characters cannot be sent in HTTP headers.");
}

void add_credentials(const Request& request, bool has_authorization, HeaderList& list) {
  const bool basic = !request.user.empty() || !request.password.empty();
  const int count = int{basic} + int{!request.bearer.empty()} + int{!request.api_key.empty()} + int{has_authorization};
  if (count > 1) throw Error("22023", "more than one kind of credentials for one HTTP request");
  if (basic) {
    if (request.user.find(':') != std::string::npos) throw Error("22023", "user name must not contain a colon");
    check_value("user name", request.user);
    check_value("password", request.password.reveal());
    std::string plain = request.user;
    plain.reserve(request.user.size() + 1 + request.password.reveal().size());
    plain += ':';
    plain += request.password.reveal();
    std::string encoded = base64(plain);
    wipe(plain);
    list.add("Authorization: Basic " + encoded);
    wipe(encoded);
  }
  if (!request.bearer.empty()) {
    check_value("bearer token", request.bearer.reveal());
    list.add(std::string("Authorization: Bearer ").append(request.bearer.reveal()));
  }
  if (!request.api_key.empty()) {
    check_value("API key", request.api_key.reveal());
    list.add(std::string("Authorization: ApiKey ").append(request.api_key.reveal()));
  }
}

}  // namespace

HeaderList::~HeaderList() {
  for (curl_slist* item = list_; item != nullptr; item = item->next) explicit_bzero(item->data, strlen(item->data));
  curl_slist_free_all(list_);
}

void HeaderList::add(std::string line) {
  curl_slist* longer = curl_slist_append(list_, line.c_str());
  wipe(line);
  if (longer == nullptr) throw std::bad_alloc();
  list_ = longer;
}

void build_headers(const Request& request, HeaderList& list) {
  const auto upper = [](char c) { return c >= 'A' && c <= 'Z'; };
  if (request.method.empty() || request.method.size() > 16 ||
      !std::all_of(request.method.begin(), request.method.end(), upper)) {
    throw Error("22023", "HTTP method is not valid");
  }
  bool has_type = false;
  bool has_authorization = false;
  for (const auto& [name, value] : request.headers) {
    const std::string key = checked_name(name);
    check_value("HTTP header \"" + name + "\"", value);
    has_type |= key == "content-type";
    has_authorization |= key == "authorization";
    const std::string_view content = trim(value);
    // libcurl reads "Name:" as "do not send Name" and "Name;" as an empty value.
    list.add(content.empty() ? name + ";" : (name + ": ").append(content));
  }
  add_credentials(request, has_authorization, list);
  if (!has_type) list.add("Content-Type:");  // no form type of libcurl's own
  if (request.body && request.gzip_body) list.add("Content-Encoding: gzip");
  list.add("Accept-Encoding: gzip");
  list.add("Expect:");  // a round trip, and a second's wait where the server does not know it
}

std::string base64(std::string_view bytes) {
  constexpr char kAlphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string text;
  text.reserve((bytes.size() + 2) / 3 * 4);
  for (std::size_t i = 0; i < bytes.size(); i += 3) {
    const std::size_t count = std::min<std::size_t>(3, bytes.size() - i);
    unsigned group = 0;
    for (std::size_t j = 0; j < 3; ++j) group = group << 8 | (j < count ? static_cast<unsigned char>(bytes[i + j]) : 0);
    for (std::size_t j = 0; j < 4; ++j) text += j <= count ? kAlphabet[group >> (18 - 6 * j) & 63] : '=';
  }
  return text;
}

std::optional<std::chrono::milliseconds> parse_retry_after(std::string_view value,
                                                           std::chrono::system_clock::time_point now,
                                                           std::chrono::milliseconds cap) {
  using std::chrono::milliseconds;
  value = trim(value);
  if (value.empty() || value.size() > 64) return std::nullopt;
  if (std::all_of(value.begin(), value.end(), [](char c) { return c >= '0' && c <= '9'; })) {
    // Nine digits are 31 years: more are over any cap, and would overflow.
    const std::size_t digits = value.size() - std::min(value.find_first_not_of('0'), value.size());
    if (digits > 9) return cap;
    long seconds = 0;
    for (const char c : value) seconds = seconds * 10 + (c - '0');
    return std::min(cap, milliseconds(seconds * 1000));
  }
  if (value.front() < 'A' || value.front() > 'z') return std::nullopt;  // a date begins with its weekday
  const time_t date = curl_getdate(std::string(value).c_str(), nullptr);
  if (date == -1) return std::nullopt;
  // In seconds first: a year past 2262 is more nanoseconds than the clock's type holds.
  using std::chrono::seconds;
  if (seconds(date) - floor<seconds>(now.time_since_epoch()) > floor<seconds>(cap)) return cap;
  const milliseconds delay = seconds(date) - floor<milliseconds>(now.time_since_epoch());
  return std::clamp(delay, milliseconds(0), cap);
}

namespace {

// Up to `stop`, with what is quoted passed over.
std::string_view until(std::string_view text, std::string_view stops) {
  bool quoted = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '"') quoted = !quoted;
    if (quoted && text[i] == '\\') ++i;
    if (!quoted && stops.find(text[i]) != stops.npos) return text.substr(0, i);
  }
  return text;
}

// rel="next", also among others, as in rel="next last".
bool says_next(std::string_view parameter) {
  const std::size_t equals = parameter.find('=');
  if (equals == parameter.npos) return false;
  std::string name(trim(parameter.substr(0, equals)));
  for (char& c : name) c = lower(c);
  std::string_view value = trim(parameter.substr(equals + 1));
  if (value.size() >= 2 && value.front() == '"' && value.back() == '"') value = value.substr(1, value.size() - 2);
  if (name != "rel") return false;
  while (!value.empty()) {
    const std::string_view word = value.substr(0, value.find(' '));
    std::string relation(word);
    for (char& c : relation) c = lower(c);
    if (relation == "next") return true;
    value.remove_prefix(std::min(value.size(), word.size() + 1));
  }
  return false;
}

}  // namespace

std::optional<std::string> next_link(std::string_view links) {
  for (std::size_t open = links.find('<'); open != links.npos; open = links.find('<')) {
    const std::size_t close = links.find('>', open);
    if (close == links.npos) return std::nullopt;
    const std::string_view target = links.substr(open + 1, close - open - 1);
    links.remove_prefix(close + 1);
    std::string_view parameters = until(links, ",");
    links.remove_prefix(parameters.size());
    while (!parameters.empty()) {
      const std::string_view one = until(parameters, ";");
      if (says_next(one)) return std::string(target);
      parameters.remove_prefix(std::min(parameters.size(), one.size() + 1));
    }
  }
  return std::nullopt;
}

std::optional<std::string_view> header_value(std::string_view line, std::string_view name) {
  if (line.size() <= name.size() || line[name.size()] != ':') return std::nullopt;
  for (std::size_t i = 0; i < name.size(); ++i) {
    if (lower(line[i]) != name[i]) return std::nullopt;
  }
  return trim(line.substr(name.size() + 1));
}

}  // namespace etl::http

#include "remote/server_request.hpp"

#include "http/header.hpp"
#include "http/url.hpp"
#include "remote/named_server.hpp"

namespace etl::remote {

namespace {

void replace_all(std::string& text, const std::string& secret) {
  if (secret.empty()) return;
  for (std::size_t at = text.find(secret); at != std::string::npos; at = text.find(secret, at)) {
    text.replace(at, secret.size(), "***");
    at += 3;
  }
}

}  // namespace

std::string base_url(const pg::Server& server) {
  return http::parse_server_url(option(server.options, "url")).text;
}

void add_credentials(const pg::Server& server, http::Request& request) {
  const std::string base = option(server.options, "url");
  const std::string user = option(server.user, "user");
  const std::string password_file = option(server.user, "password_file");
  const std::string api_key_file = option(server.user, "api_key_file");
  const std::string token_file = option(server.user, "token_file");
  const int ways = int{!user.empty()} + int{!api_key_file.empty()} + int{!token_file.empty()};
  if (user.empty() != password_file.empty() || ways > 1) {
    throw Error("22023", "the user mapping of server \"" + server.name + "\" is not complete",
                "It needs user and password_file, or api_key_file or token_file alone.",
                "Use ALTER USER MAPPING to set the missing option.");
  }
  if (!user.empty()) {
    std::string secret = pg::read_secret(password_file, base);
    request.user = user;
    request.password = http::Secret(secret);
    http::wipe(secret);
  }
  if (!api_key_file.empty()) {
    std::string secret = pg::read_secret(api_key_file, base);
    request.api_key = http::Secret(secret);
    http::wipe(secret);
  }
  if (!token_file.empty()) {
    std::string secret = pg::read_secret(token_file, base);
    request.bearer = http::Secret(secret);
    http::wipe(secret);
  }
}

std::string redacted(const pg::Server& server, const std::string& body) try {
  http::Request sent;
  add_credentials(server, sent);
  std::string text = body;
  if (!sent.user.empty()) {
    std::string plain = sent.user + ":";
    plain += sent.password.reveal();
    std::string encoded = http::base64(plain);
    replace_all(text, encoded);
    http::wipe(encoded);
    http::wipe(plain);
  }
  for (const http::Secret* secret : {&sent.password, &sent.api_key, &sent.bearer}) {
    std::string plain(secret->reveal());
    replace_all(text, plain);
    http::wipe(plain);
  }
  return text;
} catch (const Error&) {
  return {};
}

void tell_gate(pg::Gate& gate, const http::Reply& reply) {
  if (reply.failure) {
    const std::string& state = reply.failure->sqlstate;
    if (classify(state) == ErrorClass::kTransient && !state.starts_with("53")) gate.tell(false);
  } else if (reply.status != 429) {
    gate.tell(reply.status < 500);
  }
}

}  // namespace etl::remote

// What every request to a server of SQL/MED has: the base URL, the credentials, and the gate that is told of its end.
#pragma once

#include <string>

#include "http/message.hpp"
#include "pg/gate.hpp"
#include "pg/server.hpp"

namespace etl::remote {

// Option url, without a slash at its end. Error 22023 as of http::parse_server_url.
std::string base_url(const pg::Server& server);

// The user mapping's: user and password_file, api_key_file, or token_file (a bearer token). The files are read now, and
// what they hold is wiped by the client. Errors of pg::read_secret; 22023 when the mapping is half.
void add_credentials(const pg::Server& server, http::Request& request);

// A reply's body without the credentials that were sent: a server may echo them. Empty if they cannot be read.
std::string redacted(const pg::Server& server, const std::string& body);

// Tells the gate whether the server is alive: it is not when it gave no answer or a 5xx; a 429 says nothing.
void tell_gate(pg::Gate& gate, const http::Reply& reply);

}  // namespace etl::remote

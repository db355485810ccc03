// The addresses of a host, by getaddrinfo(3) on a thread of its own: a name service that does not answer cannot keep
// the session from a cancel or a shutdown. The thread knows nothing of PostgreSQL and ends by itself.
#pragma once

#include <string>
#include <vector>

#include "http/address.hpp"
#include "http/waiter.hpp"

namespace etl::remote {

// Error 08001 with the resolver's message; whatever `waiter` throws.
std::vector<http::Address> look_up(const std::string& host, http::Waiter& waiter);

}  // namespace etl::remote

// The addresses of a host, by getaddrinfo(3), which may wait for a name service that does not answer.
#pragma once

#include <string>
#include <vector>

#include "http/address.hpp"
#include "remote/off_thread.hpp"

namespace etl::remote {

// Error 08001 with the resolver's message, or when it has none by `until`; whatever `waiter` throws.
std::vector<http::Address> look_up(const std::string& host, http::Waiter& waiter, Clock::time_point until);

}  // namespace etl::remote

// How much a run may put aside.
#pragma once

#include <cstddef>
#include <cstdint>

#include "core/error.hpp"

namespace etl {

// PE030: a run has more dead letters than option max_dead_letters allows; `last` is why the last one is.
Error too_many_dead_letters(std::int64_t most, const Error& last);

// Throws 54000 when records that wait in memory to become dead letters take too much of it.
void check_dead_bytes(std::size_t bytes);

}  // namespace etl

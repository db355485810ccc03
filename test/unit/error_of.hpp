// The error that an action of a test ends with; of none, one without SQLSTATE.
#pragma once

#include "core/error.hpp"

namespace etl {

template <typename Action>
Error error_of(Action action) {
  try {
    action();
  } catch (const Error& error) {
    return error;
  }
  return {"", ""};
}

}  // namespace etl

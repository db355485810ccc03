// The boundary between C++ and PostgreSQL: two doors, nothing else crosses.
//
// ereport(ERROR) is a siglongjmp and skips destructors; a C++ exception through a C frame ends the process. So:
//
//   pg::call(lambda)      C++ calls PostgreSQL. An ERROR inside becomes an etl::Error with everything ErrorData had.
//                         The lambda is C only: it holds no object with a destructor while PostgreSQL code runs. Its
//                         closure must be trivially destructible (capture by reference or POD), its result trivially
//                         copyable. One call wraps a block of PostgreSQL calls: 21 ns each (docs/decisions/0001).
//   pg::boundary(lambda)  PostgreSQL calls C++ (entry files). Any exception becomes an ereport, raised after the catch
//                         block has closed, since an ereport inside would leak the exception object.
//
// After an Error came out of pg::call, the transaction is in the state in which PostgreSQL leaves it after an ERROR:
// the only thing to do with it is to roll it back, or the subtransaction around the call.
#pragma once

#include <new>
#include <type_traits>

#include "core/error.hpp"

namespace etl::pg {

namespace detail {

// Runs body(closure) with PostgreSQL's error handling set up; throws etl::Error for an ERROR.
void invoke(void (*body)(void*), void* closure);

// Raises the error that the innermost boundary kept; does not return.
[[noreturn]] void raise_kept(void* kept);
void* keep(const Error& error) noexcept;
void* keep_out_of_memory() noexcept;
void* keep_unknown(const char* what) noexcept;

}  // namespace detail

template <class F>
auto call(F&& body) {
  using Body = std::remove_reference_t<F>;
  using Result = std::invoke_result_t<Body&>;
  static_assert(std::is_trivially_destructible_v<Body>, "a guarded block must not own C++ objects");
  if constexpr (std::is_void_v<Result>) {
    detail::invoke([](void* closure) { (*static_cast<Body*>(closure))(); },
                   const_cast<void*>(static_cast<const void*>(&body)));
  } else {
    static_assert(std::is_trivially_copyable_v<Result>, "the result of a guarded block must be trivially copyable");
    struct Frame {
      Body* body;
      Result result;
    } frame{&body, {}};
    detail::invoke(
        [](void* closure) {
          auto* f = static_cast<Frame*>(closure);
          f->result = (*f->body)();
        },
        &frame);
    return frame.result;
  }
}

template <class F>
auto boundary(F&& body) -> std::invoke_result_t<F&> {
  void* kept = nullptr;
  try {
    return body();
  } catch (const Error& error) {
    kept = detail::keep(error);
  } catch (const std::bad_alloc&) {
    kept = detail::keep_out_of_memory();
  } catch (const std::exception& error) {
    kept = detail::keep_unknown(error.what());
  } catch (...) {
    kept = detail::keep_unknown("unknown C++ exception");
  }
  detail::raise_kept(kept);
}

}  // namespace etl::pg

#include "core/error.hpp"

#include <utility>

namespace etl {

Error::Error(std::string_view state, std::string text, std::string more, std::string advice)
    : sqlstate(state), message(std::move(text)), detail(std::move(more)), hint(std::move(advice)) {}

ErrorClass classify(std::string_view state) {
  if (state == "57014" || state == "57P01") return ErrorClass::kCancel;
  const std::string_view klass = state.substr(0, 2);
  if (klass == "08" || klass == "40" || klass == "53") return ErrorClass::kTransient;
  if (state == "55P03" || state == "57P02" || state == "57P03" || state == "57P05") return ErrorClass::kTransient;
  if (state == "PE001" || state == "PE002") return ErrorClass::kTransient;
  if (klass == "22" || klass == "23" || state == "PE010" || state == "PE011") return ErrorClass::kData;
  return ErrorClass::kPermanent;
}

}  // namespace etl

#include "pg/standard_strings.hpp"

#include "pg/headers.hpp"

extern "C" {
#include "parser/parser.h"
}

namespace etl::pg {

// The variable itself: as a setting it would be put back by an abort that may come after this.
StandardStrings::StandardStrings() : was_(standard_conforming_strings) {
  standard_conforming_strings = true;
}

StandardStrings::~StandardStrings() {
  standard_conforming_strings = was_;
}

}  // namespace etl::pg

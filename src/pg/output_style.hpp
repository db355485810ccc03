// The text of a value as it goes out of the database: the same in every session. For pg/*.cpp only.
#pragma once

#include "pg/headers.hpp"

extern "C" {
#include "pgtime.h"
#include "utils/bytea.h"
#include "utils/float.h"
}

namespace etl::pg {

// The settings on which a type's text depends, while it lives. Plain variables: restoring them cannot fail.
class OutputStyle {
 public:
  explicit OutputStyle(pg_tz* utc) {
    DateStyle = USE_ISO_DATES;
    DateOrder = DATEORDER_YMD;
    IntervalStyle = INTSTYLE_ISO_8601;
    extra_float_digits = 1;
    bytea_output = BYTEA_OUTPUT_HEX;
    session_timezone = utc;
  }
  ~OutputStyle() {
    DateStyle = date_style_;
    DateOrder = date_order_;
    IntervalStyle = interval_style_;
    extra_float_digits = float_digits_;
    bytea_output = bytea_;
    session_timezone = zone_;
  }
  OutputStyle(const OutputStyle&) = delete;
  OutputStyle& operator=(const OutputStyle&) = delete;

 private:
  int date_style_ = DateStyle;
  int date_order_ = DateOrder;
  int interval_style_ = IntervalStyle;
  int float_digits_ = extra_float_digits;
  int bytea_ = bytea_output;
  pg_tz* zone_ = session_timezone;
};

}  // namespace etl::pg

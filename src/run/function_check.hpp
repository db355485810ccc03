// Functions that steps call: on the allow-list, and executable by who runs the pipeline.
#pragma once

#include <string>

namespace etl::run {

// As the pipeline's owner, with its search_path. Errors: those of pg::find_row_function and check_python, 42501.
void check_function(const std::string& signature);

}  // namespace etl::run

// What steps gave, kept until their run has succeeded: etl.kept_step and etl.kept_rows.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace etl::catalog {

// What a kept step had found, as JSON; nothing: it is not kept, or for another shape.
std::optional<std::string> find_kept_step(std::int64_t run, const std::string& step, const std::string& shape);
void keep_step(std::int64_t run, const std::string& step, const std::string& shape, const std::string& found);

// Its rows, in parts from 0 on. Nothing: there is no such part.
void keep_rows(std::int64_t run, const std::string& step, int part, std::string_view rows);
std::optional<std::string> read_kept_rows(std::int64_t run, const std::string& step, int part);

// All that is kept of the pipeline, but of that run (0: of none).
void forget_kept_steps(std::int64_t pipeline, std::int64_t but_of_run);

}  // namespace etl::catalog

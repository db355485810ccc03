// Any bytes as a definition: import_pipeline's parser, its rules, and the SQL that is made of it.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "compile/page.hpp"
#include "core/json.hpp"
#include "model/definition.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  try {
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    const etl::json::Document document = etl::json::parse(text, "a definition");
    const etl::model::Definition definition = etl::model::definition_from_json(document);
    const std::string once = etl::model::definition_to_json(definition);
    (void)etl::json::parse(once, "what was written");
    etl::model::check_definition(definition);
    etl::compile::Page page;
    page.source = definition.source;
    page.order = definition.key_columns.value_or(std::vector<std::string>{"id"});
    if (!page.order.empty()) (void)etl::compile::page_sql(page);
  } catch (const etl::Error&) {
  }
  return 0;
}

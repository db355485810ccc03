// Source http_json: see http_pages.hpp.
#include "pg/role.hpp"
#include "remote/named_server.hpp"
#include "source/http_pages.hpp"
#include "source/registry.hpp"

namespace etl::source {

namespace {

pg::Server find(const std::string& name) {
  return remote::find_server(name, pg::current_role(), {"http"});
}

std::vector<std::pair<std::string, std::string>> read_headers(const json::Value& params) {
  std::vector<std::pair<std::string, std::string>> headers;
  const auto found = params.FindMember("headers");
  if (found == params.MemberEnd()) return headers;
  for (const auto& member : found->value.GetObject()) {
    std::string name(json::text(member.name));
    std::string lower = name;
    for (char& c : lower) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
    if (lower == "authorization" || lower == "proxy-authorization" || lower == "cookie") {
      throw Error(
          "22023", "header \"" + name + "\" must not stand in the definition of a pipeline",
          "It would show a secret to all who see the pipeline.",
          "Put the secret into a file, and name it in the user mapping of the server: token_file, api_key_file, "
          "or user and password_file.");
    }
    headers.emplace_back(std::move(name), json::text(member.value));
  }
  return headers;
}

class HttpJson : public Origin {
 public:
  HttpJson(const json::Value& params, const file::Limits& limits)
      : server_(json::text(params["server"])), declared_(declared_columns(params)) {
    api_.path = json::text(params["path"]);
    api_.method = json::text_member(params, "method").value_or("GET");
    api_.headers = read_headers(params);
    if (params.HasMember("body")) api_.body = json::write(params["body"]);
    api_.records = json::read_path(json::text_member(params, "records").value_or("$"), "records");
    api_.pagination = read_pagination(params);
    api_.limits = limits;
  }

  std::vector<RecordColumn> columns() const override {
    (void)find(server_);
    return declared_;
  }
  std::vector<std::string> position_types() const override {
    return {std::string(name_of(api_.pagination.type)) + " text", "records bigint"};
  }
  const char* checkpoint_kind() const override { return "page"; }
  std::optional<pg::Server> server() const override { return find(server_); }
  std::unique_ptr<RecordPages> open(OriginSpec spec) const override {
    HttpApi api = api_;
    api.server = find(server_);
    return std::make_unique<HttpPages>(std::move(api), std::move(spec));
  }

 private:
  std::string server_;
  std::vector<RecordColumn> declared_;
  HttpApi api_;
};

std::shared_ptr<const Origin> make_origin(const json::Value& params, const file::Limits& limits) {
  return std::make_shared<HttpJson>(params, limits);
}

}  // namespace

extern const Source kHttpJson = {{"http_json", model::Kind::kSource,
                                  "The objects of an array in the JSON replies of an HTTP API, page by page; a member "
                                  "is a column. A run goes on where "
                                  "the last one stopped, if its mode is incremental. 429, 502, 503 and 504 are asked "
                                  "for again after 0.5, 1 and 2 s.",
                                  R"({"type": "object", "properties": {
    "server": {"type": "string", "minLength": 1, "description": "a server of TYPE 'http'"},
    "path": {"type": "string", "pattern": "^/", "description": "behind the server's url, with a query if need be"},
    "method": {"type": "string", "enum": ["GET", "POST"], "description": "GET when absent"},
    "headers": {"type": "object", "additionalProperties": {"type": "string"},
                "description": "an object {name: value}; credentials belong into the user mapping"},
    "body": {"type": "object", "description": "the JSON that a POST sends"},
    "records": {"type": "string", "minLength": 1, "description": "the path of the array, as data.items; the whole reply when absent"},
    "pagination": {"type": "object", "properties": {
        "type": {"enum": ["link", "token", "page", "offset"]},
        "param": {"type": "string", "minLength": 1},
        "next": {"type": "string", "minLength": 1},
        "first": {"type": "integer", "minimum": 0},
        "size": {"type": "integer", "minimum": 1},
        "size_param": {"type": "string", "minLength": 1},
        "max_pages": {"type": "integer", "minimum": 1}}, "required": ["type"], "additionalProperties": false,
      "description": "link: the header Link, or a URL in the reply at path next; token: in the reply at path next, sent as param; page: numbers from first (1) on, sent as param; offset: likewise from 0; size and size_param: how many records a page has; max_pages (100000): a run that is sent on to more fails, since the API may never end"}, )" ETL_COLUMNS_PARAM
                                  R"("}},
  "required": ["server", "path", "columns"]})"},
                                 nullptr,
                                 make_origin};

}  // namespace etl::source

// The records of an HTTP API: a page of the API is a batch. A position is (page, records): so many records of the page
// with that state (pagination.hpp) were read, and all pages before it.
//
// A reply with 429, 502, 503 or 504 is asked for again after 0.5, 1 and 2 s, or when it says (Retry-After, at most 60
// s); no other status is. A connection that fails or breaks is for the run's own retries. No redirect is followed.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "http/client.hpp"
#include "pg/gate.hpp"
#include "remote/http_clients.hpp"
#include "source/origin.hpp"
#include "source/pagination.hpp"
#include "source/record_typer.hpp"

namespace etl::source {

struct HttpApi {
  pg::Server server;
  std::string path;  // and query, beneath the server's URL
  std::string method = "GET";
  std::vector<std::pair<std::string, std::string>> headers;
  std::string body;          // JSON, or none
  json::MemberPath records;  // of the array of records
  Pagination pagination;
  file::Limits limits;
};

class HttpPages : public RecordPages {
 public:
  HttpPages(HttpApi api, OriginSpec spec);

  void open() override;
  std::unique_ptr<pg::Relation> make_page(bool keep) const override;
  void fetch(const std::optional<pg::Key>& after) override;
  bool read(const std::optional<pg::Key>& after, pg::Relation& page) override;
  void read_all(pg::Relation& out) override;
  std::optional<pg::Key> reached(const pg::Relation&) const override { return reached_; }
  // The page is kept until another one is asked for; those before it may be asked for once more.
  void again() override { mark_.reset(); }
  const std::vector<BadRecord>& bad() const override { return typer_.bad(); }
  const std::vector<catalog::FileState>& files() const override { return no_files_; }

  bool hides_null_keys(bool) const override { return false; }
  void read_null_keys(pg::Relation& page) override { page.clear(); }
  double rows_total() override { return 0; }
  const char* phase() const override { return "pages"; }
  std::string description() const override { return api_.method + " " + api_.path + " of " + api_.server.name; }
  std::string way() const override { return "pages of an API, a request each"; }
  std::vector<std::string> explain() override { return {}; }

 private:
  struct Fetched {
    std::string state;
    std::string body;
    std::optional<std::string> next;
    std::uint64_t records = 0;
  };

  http::Request request(const std::string& url) const;
  http::Reply ask(const std::string& url);
  Error refusal(const http::Reply& reply) const;
  Error lasting(Error error) const;
  void get(const std::string& state);
  void count_page(const std::string& state);
  void check_next(const std::string& state) const;
  void take_records(std::uint64_t skip, pg::Relation& page);
  void pause(std::int64_t milliseconds);

  HttpApi api_;
  OriginSpec spec_;
  std::vector<std::string> names_;
  std::string first_url_;
  pg::Gate gate_;
  remote::HttpClient client_;
  RecordTyper typer_;
  std::optional<Fetched> fetched_;
  std::int64_t pages_ = 0;  // that were asked for
  std::optional<std::string>
      mark_;  // one of them, moved on after 1, 2, 4, … pages: who goes in a circle comes by again (Brent)
  std::int64_t next_mark_ = 1;
  std::string asked_;      // the page that was asked for last
  std::size_t tries_ = 0;  // of it
  std::size_t busy_ = 0;   // of them, answered 429, 502, 503 or 504
  std::optional<pg::Key> reached_;
  std::vector<catalog::FileState> no_files_;
};

}  // namespace etl::source

#include "sink/sweep.hpp"

#include <algorithm>

#include "core/json.hpp"
#include "pg/read_only.hpp"
#include "pg/transaction.hpp"

namespace etl::sink {

namespace {

constexpr unsigned kJsonb = 3802;

std::vector<pg::Column> key_columns(const compile::Sweep& sweep) {
  return pg::Statement(compile::record_key_sql(sweep), {kJsonb}, {}, pg::Planning::kFree).columns();
}

// The key of a record, as JSON; nothing: it has none.
std::optional<std::string> key_of(const compile::Upsert& upsert, const std::string& record) {
  const json::Document row = json::parse(record, "a record");
  if (!row.IsObject()) return std::nullopt;
  json::Object key;
  for (const compile::UpsertColumn& c : upsert.columns) {
    if (!c.key) continue;
    const auto member = row.FindMember(c.name.c_str());
    if (member == row.MemberEnd()) return std::nullopt;
    key.add_raw(c.name.c_str(), json::write(member->value));
  }
  return key.str();
}

}  // namespace

Sweep::Sweep(compile::Sweep sweep, pg::Relation& all, unsigned range_type)
    : sweep_(std::move(sweep)), all_(all), kept_(key_columns(sweep_), true) {
  kept_.clear();
  if (!sweep_.range_column.empty()) bound_types_ = {range_type, range_type};
  (void)prepare(compile::sweep_sql(sweep_), true);
  if (!bound_types_.empty()) (void)prepare(compile::bounds_sql(sweep_), false);
}

pg::Statement Sweep::prepare(const std::string& sql, bool bounded) {
  const auto named = [](const char* name, pg::Relation& rows) {
    return pg::NamedRelation{name, &rows, std::max<double>(1, static_cast<double>(rows.rows()))};
  };
  return {sql,
          bounded ? bound_types_ : std::vector<unsigned>{},
          {named("input", all_), named("kept", kept_)},
          pg::Planning::kFree};
}

bool Sweep::keep(const std::vector<std::string>& records) {
  kept_.clear();
  pg::Statement key(compile::record_key_sql(sweep_), {kJsonb}, {}, pg::Planning::kFree);
  for (const std::string& record : records) {
    const std::optional<std::string> text = key_of(sweep_.upsert, record);
    if (!text) return false;
    pg::Subtransaction attempt;
    try {
      key.read(kept_, {*text});
      attempt.release();
    } catch (const Error& error) {  // no key of the target
      attempt.rollback();
      if (classify(error.sqlstate) != ErrorClass::kData) throw;
    }
  }
  return true;
}

pg::Key Sweep::bounds() {
  if (bound_types_.empty()) return {};
  pg::Statement look = prepare(compile::bounds_sql(sweep_), false);
  pg::Relation found(look.columns(), false);
  found.clear();
  const pg::ReadOnlyScope read_only;
  look.read(found);
  const json::Document row = json::parse(found.row_json(0), "the bounds of a range");
  return {json::text_member(row, "lower"), json::text_member(row, "upper")};
}

std::uint64_t Sweep::run() {
  const pg::Key between = bounds();
  const pg::Modified modified = prepare(compile::sweep_sql(sweep_), true).modify(between);
  return modified.deleted + modified.updated;
}

std::unique_ptr<pg::Relation> Sweep::list() {
  const pg::Key between = bounds();
  pg::Statement look = prepare(compile::swept_sql(sweep_), true);
  auto rows = std::make_unique<pg::Relation>(look.columns(), true);
  rows->clear();
  look.read(*rows, between);
  return rows;
}

}  // namespace etl::sink

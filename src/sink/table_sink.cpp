#include "sink/table_sink.hpp"

#include "model/operator.hpp"

namespace etl::sink {

TableSink::TableSink(compile::Upsert upsert, std::vector<std::string> keys, bool key_range, unsigned range_type)
    : upsert_(std::move(upsert)), keys_(std::move(keys)), key_range_(key_range), range_type_(range_type) {}

void TableSink::open(pg::Relation& page) {
  page_ = &page;
  last_of_key_ = std::make_unique<LastOfKey>(page, upsert_);
  changed_ = std::make_unique<pg::Relation>(page.columns(), false);
  for (auto& form : statements_) {
    for (auto& statement : form) statement.reset();
  }
  in_range_.reset();
  if (key_range_) {
    in_range_ =
        std::make_unique<pg::Statement>(compile::in_range_sql(upsert_, keys_[0]), std::vector{range_type_, range_type_},
                                        std::vector<pg::NamedRelation>{}, pg::Planning::kIndexProbe);
  }
  (void)statement(form(), kPage);
}

std::unique_ptr<pg::Statement> TableSink::prepare(Form form, const pg::NamedRelation& input) const {
  const bool range = key_range_ && (form == kMerge || form == kChanged);
  const std::string column = range ? keys_[0] : "";
  const std::string sql = form == kInsert       ? compile::insert_sql(upsert_)
                          : form == kOnConflict ? compile::on_conflict_sql(upsert_)
                          : form == kChanged    ? compile::changed_sql(upsert_, column)
                                                : compile::merge_sql(upsert_, column);
  return std::make_unique<pg::Statement>(sql, range ? std::vector{range_type_, range_type_} : std::vector<unsigned>{},
                                         std::vector{input},
                                         range ? pg::Planning::kKeyRange : pg::Planning::kIndexProbe);
}

pg::Statement& TableSink::statement(Form form, Input input) {
  std::unique_ptr<pg::Statement>& wanted = statements_[form][input];
  if (!wanted) {
    pg::Relation* relations[kInputs] = {page_, &last_of_key_->reduced(), changed_.get()};
    wanted = prepare(form, {"input", relations[input]});
  }
  return *wanted;
}

pg::Modified TableSink::write_rows(Input input) {
  if (form() == kOnConflict) return statement(kOnConflict, input).modify();
  pg::Key bounds;
  if (key_range_) {
    bounds = {page_->first_of_position(), page_->last_position()->front()};
    if (!in_range_->finds_any(bounds)) return statement(kInsert, input).modify();
  }
  if (!mostly_unchanged_) return statement(form(), input).modify(bounds);
  changed_->clear();
  statement(kChanged, input).read(*changed_, bounds);
  if (changed_->rows() == 0) return {};
  return statement(kProbe, kChangedRows).modify();
}

Written TableSink::write(pg::Relation& page) {
  Written written;
  const pg::Relation& last_ones = last_of_key_->reduce();
  written.superseded = page.rows() - last_ones.rows();
  pg::Modified modified;
  if (last_ones.rows() > 0) modified = write_rows(&last_ones == &page ? kPage : kLastOfKeys);
  written.inserted = modified.inserted;
  written.updated = modified.updated;
  written.unchanged = last_ones.rows() - modified.inserted - modified.updated;
  mostly_unchanged_ = written.unchanged > last_ones.rows() / 2;
  return written;
}

bool TableSink::use_on_conflict() {
  if (on_conflict_) return false;
  on_conflict_ = true;
  return true;
}

extern const model::Operator kTable = {
    "table", model::Kind::kSink,
    "Writes rows into a table of this database, or by upsert and append into one of a server of TYPE 'postgres'. "
    "upsert: a row whose key is there is updated, if it differs; append: "
    "each row is inserted; replace: the others are deleted; replace_range: the others in a range of a column are; "
    "soft_delete: the others are marked in is_deleted and deleted_at; scd2: a row for each version, from valid_from "
    "to valid_to, and is_current.",
    R"({"type": "object", "properties": {
    "target": {"type": "string", "minLength": 1, "description": "a table's name, as schema.table or server:schema.table"},
    "key_columns": {"type": "array", "items": {"type": "string"}, "minItems": 1,
                    "description": "a list of the columns that identify a row; the primary key when absent"},
    "write_mode": {"type": "string", "enum": ["upsert", "append", "replace", "replace_range", "soft_delete", "scd2"],
                   "description": "upsert when absent"},
    "range": {"type": "object", "properties": {
        "column": {"type": "string", "minLength": 1},
        "from": {"type": "string", "format": "expression", "minLength": 1},
        "to": {"type": "string", "format": "expression", "minLength": 1}}, "required": ["column"],
      "description": "of replace_range: a column, and expressions from which on and below which; the smallest to the largest value of a run when absent"}},
  "required": ["target"]})"};

}  // namespace etl::sink

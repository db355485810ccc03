// A relation: typed tuples with named columns, held in a tuplestore (work_mem, then disk). What flows between steps.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace etl::pg {

struct Column {
  std::string name;
  unsigned type = 0;
  int typmod = -1;
  unsigned collation = 0;     // in which the query delivers it, and orders by it
  unsigned origin_table = 0;  // where the column comes from unchanged; 0: computed
  int origin_column = 0;
  unsigned compared = 0;  // the collation in which a relation compares it; 0: the same
};

// A value of each of some columns, as text that the type's input function reads back; NULL is nullopt.
using Key = std::vector<std::optional<std::string>>;

class Relation {
 public:
  // columns: the shape in which rows arrive; columns() then says as what they are read. keep: tuples are detoasted, so
  // that they may be read after their transaction.
  Relation(const std::vector<Column>& columns, bool keep);
  ~Relation();
  Relation(const Relation&) = delete;
  Relation& operator=(const Relation&) = delete;

  const std::vector<Column>& columns() const { return columns_; }
  int column_index(const std::string& name) const;  // -1: none

  // What the rows are watched for while they arrive.
  struct Watch {
    std::vector<int> position;   // columns whose last value is the next position
    std::vector<int> key;        // columns that must not be NULL and whose repetition is noticed
    bool repetition = true;      // it is; false: nobody asks
    bool sorted_by_key = false;  // equal keys arrive side by side
  };
  void watch(const Watch& watch);

  void clear();
  std::uint64_t rows() const;
  std::uint64_t bytes() const;      // of the tuples' data
  bool repeats_keys() const;        // two rows may carry the same key (false: none, if repetition is watched)
  std::uint64_t null_keys() const;  // rows with a NULL in a watched key or position column
  std::optional<Key> last_position() const;
  std::optional<std::string> first_of_position() const;  // first row's first position column
  // Moves rows from `this` (read from where the last move ended) to `to`: at least `count`, then on while the position
  // of the next row equals the last one, so that a run which goes on behind a page misses none of them.
  void move_page(Relation& to, std::uint64_t count);
  void mark();  // the next move_page starts here again after restore()
  void restore();
  void rewind();

  // The row at `index` in arrival order, from 0, as JSON text (row_to_json).
  std::string row_json(std::uint64_t index);
  // Copies rows [from, to) in arrival order.
  void copy_range(Relation& to, std::uint64_t from, std::uint64_t until);
  void append_to(Relation& to);  // all rows, behind those it has
  // Copies every n-th row, the first among them.
  void copy_every(Relation& to, std::uint64_t n);
  // Copies all rows but those at `left_out`, which ascend.
  void copy_without(Relation& to, const std::vector<std::uint64_t>& left_out);
  void copy_only(Relation& to, const std::vector<std::uint64_t>& wanted);  // ascending, too
  // Copies the rows whose watched key has (or has not) a NULL.
  void split_null_keys(Relation& with_null, Relation& without);

  struct Store;
  Store* store() const { return store_; }

 private:
  std::vector<Column> columns_;
  Store* store_;
};

}  // namespace etl::pg

// Checkpoints of slices, the log of batches, dead letters, watermarks: everything a batch commits beside its rows.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "catalog/files.hpp"
#include "core/json.hpp"
#include "model/state.hpp"

namespace etl::catalog {

using Key = std::vector<std::optional<std::string>>;

struct Counters {
  std::int64_t read = 0, inserted = 0, updated = 0, unchanged = 0, deleted = 0, dead = 0, superseded = 0, bytes = 0,
               late = 0;
  void add(const Counters& other);
  std::int64_t written() const { return inserted + updated + deleted; }
};

struct Checkpoint {
  int slice = 0;
  std::int64_t run = 0;
  std::string kind = "key";
  std::optional<Key> position;
  std::vector<std::string> position_types;          // of each column of the order: name, type and collation
  std::optional<std::vector<std::string>> targets;  // what holds the rows up to the position; nothing: what is there
  std::optional<Key> from;                          // the slice's range: after `from`, up to and with `to`
  std::optional<Key> to;
  bool done = false;
  std::int64_t batch_no = 0;
};

std::vector<Checkpoint> read_checkpoints(std::int64_t pipeline);

// A new run takes the checkpoint rows over: the old run's totals go to etl.run_log, `slices` fresh rows follow. With
// keep_position the positions stay (incremental).
void start_checkpoints(std::int64_t pipeline, std::int64_t run, std::int64_t epoch,
                       const std::vector<Checkpoint>& slices);
// The same run goes on under a new lease.
void take_over_checkpoints(std::int64_t pipeline, std::int64_t epoch);
void forget_checkpoints(std::int64_t pipeline);
// Whatever the targets are by now holds the rows up to it.
void accept_targets(std::int64_t pipeline);
// No worker of an earlier run can move it once more: its lease is taken from it.
void move_checkpoint(std::int64_t pipeline, const Key& position);

struct BatchRecord {
  std::int64_t pipeline = 0;
  std::int64_t run = 0;
  std::int64_t epoch = 0;
  int slice = 0;
  std::int64_t batch_no = 0;
  int attempt = 1;
  std::int64_t started_us = 0;
  Counters counters;
  std::optional<Key> from;
  std::optional<Key> to;
  bool done = false;
  std::string phase;
};
// Writes the checkpoint and the batch's log row. Error PE041 when another lease has taken over. Returns the pipeline's
// state as this transaction sees it.
model::State save_batch(const BatchRecord& batch);
// What of it, and of its files, another server keeps with the batch. read_record: false when it is of a batch that
// began elsewhere; error 08P01 when it is no such record.
std::string write_record(const BatchRecord& batch, const std::vector<FileState>& files);
bool read_record(const json::Value& record, BatchRecord& batch);
void finish_slice(std::int64_t pipeline, std::int64_t epoch, int slice);
void fail_slice(std::int64_t pipeline, std::int64_t epoch, int slice, const std::string& error_json);
struct SliceOutcome {
  int slice;
  bool done;
  std::optional<std::string> error;  // JSON
};
std::vector<SliceOutcome> read_outcomes(std::int64_t pipeline);
void set_rows_total(std::int64_t pipeline, int slice, std::int64_t rows, const std::string& phase);

// Versions for documents: reserves `count` numbers above everything given before and returns the first.
std::int64_t reserve_versions(std::int64_t pipeline, std::int64_t epoch, std::int64_t count);

// One number above them, outside of a run.
std::int64_t next_version(std::int64_t pipeline);

struct DeadLetter {
  std::int64_t id = 0;
  std::string record;
  std::string error_code;
  std::string error_message;
  std::string context = "{}";
  int copy = 0;  // how many equal records of its batch came before it
};
// Stores it, or counts it once more when the same record is pending already. Whether it is new to the run.
bool save_dead_letter(std::int64_t pipeline, std::int64_t run, const std::string& step, const DeadLetter& letter);
std::int64_t count_dead_letters_of_run(std::int64_t pipeline, std::int64_t run);

struct Watermark {
  std::string safety;
  std::optional<std::string> safe;
  std::optional<std::string> mark;
  std::vector<std::string> holders;  // of the mark: virtual transaction ids
  std::vector<std::string> frozen_gids;
  std::string history = "[]";
  std::optional<int> held_by_pid;
  std::optional<std::string> held_since;
  std::int64_t breaches = 0;
};
std::optional<Watermark> read_watermark(std::int64_t pipeline);
void save_watermark(std::int64_t pipeline, const Watermark& watermark);

std::string key_json(const std::optional<Key>& key);
std::optional<Key> key_from_json(const std::optional<std::string>& json);

}  // namespace etl::catalog

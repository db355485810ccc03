#include "file/csv_scanner.hpp"

#include <algorithm>
#include <bit>
#include <cstring>
#include <new>

namespace etl::file {
namespace {

// No text in PostgreSQL is longer, and a Cell counts not much further.
constexpr std::size_t kLargestRecord = (1u << 30) - 1;
constexpr std::string_view kByteOrderMark = "\xef\xbb\xbf";

}  // namespace

CsvScanner::CsvScanner(std::unique_ptr<ByteSource> source, const Dialect& dialect, std::size_t record_bytes,
                       std::size_t cells)
    : source_(std::move(source)),
      dialect_(dialect),
      quote_(dialect.quote.value_or(dialect.delimiter)),
      specials_(dialect.delimiter, quote_),
      limit_(std::min(record_bytes, kLargestRecord)),
      kept_(cells),
      cells_(cells) {
  reserve(dialect_.chunk);
  while (filled_ < kByteOrderMark.size() && !exhausted_) fill();
  if (std::string_view(buffer_.get(), filled_).substr(0, kByteOrderMark.size()) == kByteOrderMark) {
    next_ = kByteOrderMark.size();
    rescan(next_);
  }
}

CsvScanner::Result CsvScanner::next() {
  if (ended_) return Result::kEnd;
  start_record();
  for (;;) {
    switch (scan()) {
      case Step::kLine:
        if (raw_size_ > 0) return finish();
        start_record();
        break;
      case Step::kOver:
        return over_limit();
      case Step::kMore:
        if (exhausted_) return at_end();
        fill();
        break;
    }
  }
}

void CsvScanner::start_record() {
  record_ = next_;
  line_ = next_line_;
  raw_size_ = 0;
  state_ = State::kPlain;
  fault_ = Fault::kNone;
  field_ = 0;
  count_ = 0;
  breaks_ = 0;
}

// The next special byte, or filled_.
inline std::size_t CsvScanner::next_special() {
  while (mask_ == 0) {
    if (ahead_ >= filled_) return filled_;
    block_ = ahead_;
    mask_ = specials_.find(buffer_.get() + block_);
    ahead_ = block_ + SpecialBytes::kBlock;
    if (ahead_ > filled_) {
      mask_ &= ~std::uint64_t{0} >> (ahead_ - filled_);
      ahead_ = filled_;
    }
  }
  const std::size_t at = block_ + static_cast<std::size_t>(std::countr_zero(mask_));
  mask_ &= mask_ - 1;
  return at;
}

// Goes on to the end of the record, and no further than the limit, one LF behind a CR included.
CsvScanner::Step CsvScanner::scan() {
  const std::size_t over = record_ + limit_ + 2;
  const std::size_t stop = std::min(filled_, over);
  for (;;) {
    const std::size_t at = next_special();
    if (at >= stop) return stop == over ? Step::kOver : Step::kMore;
    const char byte = buffer_.get()[at];
    if (byte == dialect_.delimiter) {
      at_delimiter(at);
    } else if (byte == quote_) {
      at_quote(at);
    } else if (byte == '\0') {
      if (state_ == State::kClosed) blame(Fault::kQuote);
      blame(Fault::kNul);
    } else if (state_ == State::kQuoted) {
      count_line(at);
    } else if (byte == '\r' && at + 1 == filled_ && !exhausted_) {
      rescan(at);  // what follows tells what it is
      return Step::kMore;
    } else if (ends_line(at)) {
      return complete(end_of_content(at), at + 1);
    } else if (byte == '\n' || !is_followed_by_feed(at)) {
      blame(state_ == State::kClosed ? Fault::kQuote : byte == '\n' ? Fault::kFeed : Fault::kReturn);
    }
  }
}

inline void CsvScanner::at_delimiter(std::size_t at) {
  if (state_ == State::kPlain) {
    add_cell(field_, at - record_, false);
    field_ = at - record_ + 1;
  } else if (state_ == State::kClosed) {
    if (at - record_ == closed_ + 1) {
      add_cell(field_ + 1, closed_, true);
      field_ = at - record_ + 1;
      state_ = State::kPlain;
    } else {
      blame(Fault::kQuote);
    }
  }
}

inline void CsvScanner::at_quote(std::size_t at) {
  const std::size_t offset = at - record_;
  if (state_ == State::kQuoted) {
    state_ = State::kClosed;
    closed_ = offset;
  } else if (state_ == State::kPlain && offset == field_) {
    state_ = State::kQuoted;
    doubled_ = false;
  } else if (state_ == State::kClosed && offset == closed_ + 1) {
    state_ = State::kQuoted;
    doubled_ = true;
  } else if (state_ != State::kMisplaced) {
    blame(Fault::kQuote);
  }
}

// A CR or LF within quotes.
void CsvScanner::count_line(std::size_t at) {
  const char* byte = buffer_.get() + at;
  if (*byte == '\r' || byte[-1] != '\r') ++breaks_;
}

// The first fault is the record's.
void CsvScanner::blame(Fault fault) {
  if (fault == Fault::kQuote) state_ = State::kMisplaced;
  if (fault_ == Fault::kNone) fault_ = fault;
}

inline void CsvScanner::add_cell(std::size_t begin, std::size_t end, bool quoted) {
  if (count_ < kept_) {
    cells_[count_] = {static_cast<std::uint32_t>(begin), static_cast<std::uint32_t>(end), quoted, quoted && doubled_};
  }
  ++count_;
}

// The record ends there.
CsvScanner::Step CsvScanner::complete(std::size_t end, std::size_t next) {
  raw_size_ = end - record_;
  if (state_ == State::kPlain) {
    add_cell(field_, raw_size_, false);
  } else if (state_ == State::kClosed && closed_ + 1 == raw_size_) {
    add_cell(field_ + 1, closed_, true);
  } else {
    blame(Fault::kQuote);
  }
  next_ = next;
  next_line_ = line_ + breaks_ + 1;
  return raw_size_ > limit_ ? Step::kOver : Step::kLine;
}

CsvScanner::Result CsvScanner::finish() {
  place_ = {base_ + next_, next_line_ - 1};
  return fault_ == Fault::kNone ? Result::kLine : Result::kBad;
}

// The source has ended within a record, or behind the last one.
CsvScanner::Result CsvScanner::at_end() {
  ended_ = dialect_.tail || filled_ == record_;
  if (ended_) return Result::kEnd;
  if (state_ == State::kQuoted || complete(filled_, filled_) == Step::kOver) return over_limit();
  return finish();
}

// The record is longer than the limit, or the source has ended within quotes.
CsvScanner::Result CsvScanner::over_limit() {
  const bool is_complete = next_ > record_;
  fault_ = state_ == State::kQuoted ? Fault::kUnclosed : Fault::kTooLong;
  raw_size_ = limit_;
  if (fault_ == Fault::kUnclosed) breaks_ = 0;
  next_line_ = line_ + breaks_ + 1;
  if (!is_complete && !skip_line(fault_ == Fault::kUnclosed ? record_ : record_ + limit_ + 2)) {
    ended_ = true;
    return Result::kEnd;
  }
  return finish();
}

// Ends the record with the first line end from there on, or with the file. What lies between the limit and
// there is thrown away. False: the file ends first, and may still grow.
bool CsvScanner::skip_line(std::size_t from) {
  bool thrown_away = false;
  for (;;) {
    const std::size_t stop = exhausted_ ? filled_ : filled_ - 1;  // the last byte may be a CR: what follows tells
    for (std::size_t at = from; at < stop; ++at) {
      const char byte = buffer_.get()[at];
      if ((byte != '\n' && byte != '\r') || !ends_line(at)) continue;
      raw_size_ = thrown_away ? limit_ : std::min(end_of_content(at) - record_, limit_);
      next_ = at + 1;
      rescan(next_);
      return true;
    }
    if (exhausted_) break;
    from = std::max(from, stop) - record_;
    compact();
    reserve(limit_ + dialect_.chunk);
    if (from > limit_) {
      std::memmove(buffer_.get() + limit_, buffer_.get() + from, filled_ - from);
      base_ += from - limit_;
      filled_ -= from - limit_;
      from = limit_;
      thrown_away = true;
    }
    fill();
  }
  raw_size_ = std::min(filled_ - record_, limit_);
  next_ = filled_;
  rescan(next_);
  return !dialect_.tail;
}

// Whether the CR or LF ends a line. The byte behind it is in the buffer, or the source has ended.
bool CsvScanner::ends_line(std::size_t at) {
  if (buffer_.get()[at] == '\n') {
    if (ends_ == Ends::kReturn) return false;
    ends_ = Ends::kFeed;
    return true;
  }
  if (ends_ == Ends::kReturn) return true;
  if (at + 1 == filled_) return !dialect_.tail;
  if (is_followed_by_feed(at) || ends_ == Ends::kFeed) return false;
  ends_ = Ends::kReturn;
  return true;
}

bool CsvScanner::is_followed_by_feed(std::size_t at) const {
  return at + 1 < filled_ && buffer_.get()[at + 1] == '\n';
}

// Of a line that ends with the CR or LF there.
std::size_t CsvScanner::end_of_content(std::size_t at) const {
  const char* byte = buffer_.get() + at;
  return *byte == '\n' && at > record_ && byte[-1] == '\r' ? at - 1 : at;
}

void CsvScanner::back() {
  next_ = record_;
  next_line_ = line_;
  place_ = {};
  rescan(next_);
}

void CsvScanner::go_to(const Place& place) {
  if (place.byte <= base_ + next_) return;
  if (place.byte <= base_ + filled_) {
    next_ = static_cast<std::size_t>(place.byte - base_);
  } else {
    source_->skip_to(place.byte);
    base_ = place.byte;
    record_ = next_ = filled_ = 0;
    exhausted_ = false;
  }
  next_line_ = place.line + 1;
  place_ = place;
  rescan(next_);
}

void CsvScanner::rescan(std::size_t at) {
  ahead_ = at;
  mask_ = 0;
}

// Reads on. What stands before the record is gone then.
void CsvScanner::fill() {
  compact();
  if (filled_ == capacity_) reserve(std::min(2 * capacity_, limit_ + dialect_.chunk));
  const std::size_t got = source_->read(buffer_.get() + filled_, capacity_ - filled_);
  filled_ += got;
  exhausted_ = got == 0;
}

// Moves the record to the front of the buffer.
void CsvScanner::compact() {
  if (record_ == 0) return;
  std::memmove(buffer_.get(), buffer_.get() + record_, filled_ - record_);
  base_ += record_;
  filled_ -= record_;
  ahead_ -= record_;
  next_ -= record_;
  record_ = 0;
}

void CsvScanner::reserve(std::size_t capacity) {
  if (capacity <= capacity_) return;
  auto* grown = static_cast<char*>(std::realloc(buffer_.get(), capacity + SpecialBytes::kBlock));
  if (grown == nullptr) throw std::bad_alloc();
  (void)buffer_.release();
  buffer_.reset(grown);
  capacity_ = capacity;
}

}  // namespace etl::file

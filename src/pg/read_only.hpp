// Sources are read only: while a scope lives, statements that the source's functions run may read, use temporary tables
// and draw from sequences, but not write: PostgreSQL's own 25006.
#pragma once

namespace etl::pg {

class ReadOnlyScope {
 public:
  ReadOnlyScope();
  ~ReadOnlyScope();
  ReadOnlyScope(const ReadOnlyScope&) = delete;
  ReadOnlyScope& operator=(const ReadOnlyScope&) = delete;
};

}  // namespace etl::pg

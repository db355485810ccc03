// While one lives, the parser reads '…' as the SQL standard says, whatever standard_conforming_strings is: what is
// checked, what is run here and what another server runs is then the same text with one meaning.
#pragma once

namespace etl::pg {

class StandardStrings {
 public:
  StandardStrings();
  ~StandardStrings();
  StandardStrings(const StandardStrings&) = delete;
  StandardStrings& operator=(const StandardStrings&) = delete;

 private:
  bool was_;
};

}  // namespace etl::pg

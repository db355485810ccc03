// The server's databases, as the launcher sees them: it is connected to none.
#pragma once

#include <vector>

namespace etl::pg {

// First call of the launcher's main: signals, connection to the shared catalogs.
void begin_launcher();
// Valid and connectable databases that are no templates. Runs a transaction of its own.
std::vector<unsigned> connectable_databases();
// Whether the database of this session has the extension. Not by SQL: no function or operator of anybody is called.
bool extension_is_here();

}  // namespace etl::pg

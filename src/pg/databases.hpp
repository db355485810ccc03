// The server's databases, as the launcher sees them: it is connected to none.
#pragma once

#include <vector>

namespace etl::pg {

// First call of the launcher's main: signals, connection to the shared catalogs.
void begin_launcher();
// Connectable databases that are no templates. Runs a transaction of its own.
std::vector<unsigned> connectable_databases();

}  // namespace etl::pg

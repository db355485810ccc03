// PostgreSQL's headers, for pg/*.cpp and for entry files only: no other room sees them (tools/check-layers).
#pragma once

extern "C" {
#include "postgres.h"

#include "fmgr.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/memutils.h"
}

// postgres.h bends these for its own use; C++ headers that come later must not see that.
#undef _
#undef gettext
#undef dgettext
#undef ngettext
#undef dngettext

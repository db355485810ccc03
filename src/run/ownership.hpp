// Whose code would run in a superuser's session: what a superuser's pipeline reads, calls and writes must belong to
// superusers all the way down (internals.md 21, safety.md A13).
#pragma once

#include <string>
#include <vector>

namespace etl::run {

// The first object that somebody else than a superuser owns among `tables` with all that is written with them,
// `types` and `functions`, and all that belongs to them or is called by them: triggers, checks, defaults, index
// expressions and policies with their functions; domains, elements and fields of types. Described in words ("function
// f(integer)"); empty when there is none.
std::string foreign_object(const std::vector<unsigned>& tables, const std::vector<unsigned>& types,
                           const std::vector<unsigned>& functions);

// A table and those that are written with it: its partitions and children, and tables that a foreign key's action
// changes (ON DELETE CASCADE, SET NULL, …; up to PostgreSQL 17 their triggers run as who writes the first one).
std::vector<unsigned> written_with(unsigned table);

}  // namespace etl::run

// Whose code would run in a superuser's session: what a superuser's pipeline reads, calls and writes must belong to
// superusers all the way down (internals.md 21, safety.md A13).
#pragma once

#include <string>
#include <vector>

namespace etl::run {

struct Reach {
  // The tables given, with their partitions and children. If they are written: also tables that a foreign key's action
  // changes (ON DELETE CASCADE, SET NULL, …; up to PostgreSQL 17 their triggers run as who writes the first one), and
  // those that a foreign key looks at then, on either side. Ascending OIDs.
  std::vector<unsigned> tables;
  // The first object that somebody else than a superuser owns among these, types and functions, and all that belongs to
  // them or is called by them: checks, index expressions and statistics, of written tables also triggers, defaults and
  // policies, with their functions; domains, elements and fields of types. In words ("function f(integer)"); empty when
  // there is none.
  std::string foreign;
};

Reach reach_of(const std::vector<unsigned>& tables, bool written, const std::vector<unsigned>& types,
               const std::vector<unsigned>& functions);

}  // namespace etl::run

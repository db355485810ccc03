// Fault points: where tests make a worker fail (safety.md 4). Compiled in only with ETL_FAULT_POINTS.
//
// etl.fault_point = 'POINT:KIND:FILE[:NTH]': at the NTH passage of POINT, once (FILE is made by the one that fires and
// is the proof that the point was hit), KIND happens: error, sigterm, sigkill, postmaster.
#pragma once

namespace etl::pg {

#ifdef ETL_FAULT_POINTS
void fault_point(int point);
#else
inline void fault_point(int) {}
#endif

}  // namespace etl::pg

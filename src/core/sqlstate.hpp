// The private SQLSTATE class PE: one line each; docs/errors.md is generated from this list and tools/check-errors holds
// every error site against it.
#pragma once

namespace etl::sqlstate {

// Transient: tried again after retry_backoff.
inline constexpr char kSinkUnavailable[] =
    "PE001";                                     // no answer, a 429, 502, 503 or 504, or a reply that makes no sense
inline constexpr char kSinkTimeout[] = "PE002";  // the remote system did not answer in time
// Data: the row is to blame; quarantined with on_error = quarantine.
inline constexpr char kDocumentRefused[] = "PE010";   // the remote system refused one document
inline constexpr char kDocumentTooLarge[] = "PE011";  // a document, or its _id, is longer than the remote system takes
// Permanent.
inline constexpr char kSinkRefused[] = "PE020";         // the remote system refused the whole request (4xx)
inline constexpr char kSinkAuth[] = "PE021";            // 401 or 403 from the remote system
inline constexpr char kTooManyDeadLetters[] = "PE030";  // more rows were quarantined than max_dead_letters
inline constexpr char kCheckFailed[] = "PE031";         // a check step found rows that break its rules
inline constexpr char kWorkerLost[] = "PE040";          // the worker of a running pipeline is gone
inline constexpr char kFenced[] = "PE041";              // another worker holds the lease
inline constexpr char kVersionMismatch[] = "PE043";     // the library and the SQL objects are of different versions

}  // namespace etl::sqlstate

// How bench/run.mjs talks to a contestant. The contestant says `ready <remark>`; then each line
// `<operation> <warm-ups> <count>` on its standard input is one turn, answered by one line with
// `count` durations in nanoseconds, or by `! <reason>`.
#ifndef TPM2_BENCH_TURNS_H_
#define TPM2_BENCH_TURNS_H_

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <string>

namespace tpm2::bench {

using Clock = std::chrono::steady_clock;

inline uint64_t NanosecondsSince(Clock::time_point start) {
  return static_cast<uint64_t>(
      std::chrono::duration_cast<std::chrono::nanoseconds>(Clock::now() - start).count());
}

template <typename Body>
uint64_t Timed(Body body) {
  Clock::time_point start = Clock::now();
  body();
  return NanosecondsSince(start);
}

// Does the thing once and says how long that took, without what belongs to the preparation.
using Operation = std::function<uint64_t()>;
// Called at the start of a turn, so that the objects of one operation do not take the TPM's slots
// away from another's.
using Preparation = std::function<Operation()>;
using Operations = std::map<std::string, Preparation>;

// Serves turns until standard input ends. Returns the exit code.
int ServeTurns(const Operations& operations);

}  // namespace tpm2::bench

#endif  // TPM2_BENCH_TURNS_H_

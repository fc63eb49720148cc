// Takes a fuzzer's input apart, and ends the program where a promise is broken.
#ifndef TPM2_TEST_FUZZ_INPUT_H_
#define TPM2_TEST_FUZZ_INPUT_H_

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <string_view>

#include "tpm2/bytes.h"
#include "tpm2/error.h"

namespace tpm2::fuzzing {

class Input {
 public:
  Input(const uint8_t* data, size_t size) : left_(data, size) {}

  uint8_t Octet() {
    if (left_.empty()) return 0;
    uint8_t octet = left_.front();
    left_ = left_.subspan(1);
    return octet;
  }
  // As long as the next octet says.
  Buffer Short() { return Take(Octet()); }
  // As long as the next two octets say.
  Buffer Long() {
    size_t size = static_cast<size_t>(Octet()) << 8;
    size |= Octet();
    return Take(size);
  }
  Buffer Rest() { return Take(left_.size()); }

 private:
  Buffer Take(size_t size) {
    ByteView taken = left_.first(std::min(size, left_.size()));
    left_ = left_.subspan(taken.size());
    return ToBuffer(taken);
  }
  ByteView left_;
};

inline void Require(bool kept, const char* promise) {
  if (kept) return;
  std::fprintf(stderr, "broken promise: %s\n", promise);
  std::abort();
}

// Errors are fine; other exceptions end the program.
template <typename Body>
void Tolerating(Body body) {
  try {
    body();
  } catch (const Error& error) {
    Require(!error.message.empty(), "an error says something");
  }
}

}  // namespace tpm2::fuzzing

#endif  // TPM2_TEST_FUZZ_INPUT_H_

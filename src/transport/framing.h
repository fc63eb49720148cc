// The one thing that every transport knows of TPM messages: the ten-byte header of a command
// (tag, commandSize, commandCode) and of a response (tag, responseSize, responseCode).
#ifndef TPM2_TRANSPORT_FRAMING_H_
#define TPM2_TRANSPORT_FRAMING_H_

#include <cstddef>
#include <cstdint>

#include "tpm2/bytes.h"
#include "tpm2/constants.h"
#include "tpm2/error.h"

namespace tpm2 {

// The buffer of the kernel's driver, of swtpm and of the TCG simulator. A TPM may say less
// (TPM_PT_MAX_COMMAND_SIZE) and then answers TPM_RC_COMMAND_SIZE itself.
inline constexpr size_t kMaxMessageSize = 4096;

inline uint32_t LoadU32(ByteView bytes) {
  return uint32_t{bytes[0]} << 24 | uint32_t{bytes[1]} << 16 | uint32_t{bytes[2]} << 8 | bytes[3];
}

inline void StoreU32(uint32_t value, MutableBytes out) {
  for (size_t i = 0; i < 4; ++i) out[i] = static_cast<uint8_t>(value >> (24 - 8 * i));
}

// INVALID_ARGUMENT unless `command` is one whole command: 10 to 4096 bytes, as many as its header
// says. Checked before a byte is sent, since a peer that waits for the rest would never answer.
void CheckCommand(ByteView command);

// The responseSize in a header of at least ten bytes. TRANSPORT_ERROR if no TPM could mean it.
size_t ResponseSize(ByteView header);

// TRANSPORT_ERROR for an answer that ended after `have` bytes, or that goes on after its end.
[[noreturn]] void ThrowBrokenOff(size_t have);
[[noreturn]] void ThrowOutOfStep(size_t extra);

// Collects one response from a source that may hand it out in pieces. `read_some(MutableBytes)`
// returns how many bytes it put there, 0 at the end of the stream, and may throw.
template <typename ReadSome>
Buffer ReadResponse(ReadSome&& read_some) {
  Buffer response(kMaxMessageSize + 1);  // one more than allowed, to see a byte too many
  size_t have = 0;
  size_t size = 0;  // unknown until the header is there
  while (size == 0 || have < size) {
    const size_t got = read_some(MutableBytes(response).subspan(have));
    if (got == 0) ThrowBrokenOff(have);
    have += got;
    if (size == 0 && have >= kHeaderSize) size = ResponseSize(response);
  }
  if (have > size) ThrowOutOfStep(have - size);
  response.resize(size);
  return response;
}

}  // namespace tpm2

#endif  // TPM2_TRANSPORT_FRAMING_H_

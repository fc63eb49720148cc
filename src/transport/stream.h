// A connected byte stream: what the simulator protocols are spoken over. One leaf per platform.
#ifndef TPM2_TRANSPORT_STREAM_H_
#define TPM2_TRANSPORT_STREAM_H_

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "tpm2/bytes.h"

namespace tpm2 {

// Empty: no limit.
using Deadline = std::optional<std::chrono::steady_clock::time_point>;

inline Deadline DeadlineIn(std::chrono::milliseconds wait) {
  return std::chrono::steady_clock::now() + wait;
}

// Either a Unix socket (`path` not empty) or a TCP address. An IPv6 host has no brackets.
struct Endpoint {
  std::string path;
  std::string host;
  uint16_t port = 0;
};

// "/run/tpm.sock", "127.0.0.1:2321", "[::1]:2321".
std::string EndpointName(const Endpoint& endpoint);

// Write(), Read(), Peek() and Shutdown() are called by one thread at a time; WriteNow() and
// Interrupt() from any thread while the object lives.
class Stream {
 public:
  enum class Pending { kNothing, kBytes, kEnd };

  virtual ~Stream() = default;

  // Sends all of `bytes`. Throws CLOSED when interrupted, TIMEOUT at the deadline, TRANSPORT_ERROR
  // otherwise; then an unknown part of the bytes has gone.
  virtual void Write(ByteView bytes, Deadline deadline = {}) = 0;

  // Waits for at least one byte, returns how many came; 0 when the peer has ended the stream.
  // Throws as Write() does.
  virtual size_t Read(MutableBytes into, Deadline deadline = {}) = 0;

  // Sends all of `bytes` without waiting, or returns false.
  virtual bool WriteNow(ByteView bytes) noexcept = 0;

  // What has come unasked. Never waits, takes nothing.
  virtual Pending Peek() noexcept = 0;

  // Ends the stream so that the peer sees it now. The descriptor lives on until the destructor, so
  // that another thread never meets a number that the system has given to somebody else.
  virtual void Shutdown() noexcept = 0;

  // A Read() or Write() that waits, and every later one, throws CLOSED.
  virtual void Interrupt() noexcept = 0;
};

// Throws TPM_UNAVAILABLE (nobody there, unknown host, time-out), ACCESS_DENIED, RESOURCE_EXHAUSTED,
// INVALID_ARGUMENT (path too long) or TRANSPORT_ERROR. A host name is looked up by the system's
// resolver, whose own time limits apply; numeric addresses are not looked up.
std::unique_ptr<Stream> ConnectStream(const Endpoint& endpoint, Deadline deadline);

// Reads until `into` is full. TRANSPORT_ERROR when the stream ends before.
void ReadExactly(Stream& stream, MutableBytes into, Deadline deadline = {});

}  // namespace tpm2

#endif  // TPM2_TRANSPORT_STREAM_H_

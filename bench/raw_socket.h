// swtpm's unix socket with nothing around it: the floor that everything is compared with.
#ifndef TPM2_BENCH_RAW_SOCKET_H_
#define TPM2_BENCH_RAW_SOCKET_H_

#include <array>
#include <cstdint>
#include <string>

#include "tpm2/constants.h"
#include "tpm2/transport.h"

namespace tpm2::bench {

class RawSocket final : public Transport {
 public:
  explicit RawSocket(const std::string& path);
  ~RawSocket() override;
  RawSocket(const RawSocket&) = delete;
  RawSocket& operator=(const RawSocket&) = delete;

  // One write and as few reads as it takes. The answer lies in a buffer that the next call uses
  // again. Throws when the TPM answers with an error.
  ByteView Exchange(ByteView command);

  // The same behind an Executor, which prepares what is to be replayed.
  Buffer Transceive(ByteView command) override;
  // The bytes of the last command that came through Transceive().
  const Buffer& last_command() const { return last_command_; }
  // Nanoseconds between the first byte out and the last byte in, added up over Transceive().
  uint64_t nanoseconds() const { return nanoseconds_; }

  bool IsOpen() const override { return fd_ >= 0; }
  void Interrupt() noexcept override {}
  const TransportTraits& traits() const override { return traits_; }

 private:
  ByteView Receive(ByteView command);

  int fd_ = -1;
  TransportTraits traits_;
  std::array<uint8_t, 4096> answer_;
  Buffer last_command_;
  uint64_t nanoseconds_ = 0;
};

// The handle that a command carries first, or that a response brings.
uint32_t HandleIn(ByteView message);
void SetHandle(Buffer& command, uint32_t handle);

}  // namespace tpm2::bench

#endif  // TPM2_BENCH_RAW_SOCKET_H_

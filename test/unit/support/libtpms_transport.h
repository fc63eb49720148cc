// libtpms in this process: a fast TPM 2.0 for tests, and the one that can be cancelled.
#ifndef TPM2_TEST_UNIT_SUPPORT_LIBTPMS_TRANSPORT_H_
#define TPM2_TEST_UNIT_SUPPORT_LIBTPMS_TRANSPORT_H_

#include <atomic>

#include "tpm2/transport.h"

namespace tpm2::testing {

// A new TPM with every object (new seeds, empty NV), started up. libtpms is one TPM per process:
// while one object lives, a second one throws RESOURCE_EXHAUSTED. Non-volatile state is in memory.
class LibtpmsTransport : public Transport {
 public:
  enum class Start { kNone, kClear, kState };

  LibtpmsTransport();
  ~LibtpmsTransport() override;
  LibtpmsTransport(const LibtpmsTransport&) = delete;
  LibtpmsTransport& operator=(const LibtpmsTransport&) = delete;

  // Power off and on again. NV stays; sessions and loaded objects go. Without a Shutdown command
  // before it counts as disorderly; kState needs TPM2_Shutdown(STATE) before. kNone sends no
  // TPM2_Startup. From the thread that calls Transceive().
  void Reset(Start start = Start::kClear);

  Buffer Transceive(ByteView command) override;
  bool IsOpen() const override { return !interrupted_; }
  // True if a command is under way; it then answers TPM_RC_CANCELED (0x909) where it looks.
  bool Cancel() noexcept override;
  // libtpms cannot be waited for in pieces: the command under way is cancelled, and Transceive()
  // throws CLOSED when it has ended.
  void Interrupt() noexcept override;
  const TransportTraits& traits() const override { return traits_; }
  TransportTraits& mutable_traits() { return traits_; }

 private:
  void PowerOn(Start start);

  TransportTraits traits_{.description = "libtpms"};
  std::atomic<bool> running_{false};
  std::atomic<bool> interrupted_{false};
};

}  // namespace tpm2::testing

#endif  // TPM2_TEST_UNIT_SUPPORT_LIBTPMS_TRANSPORT_H_

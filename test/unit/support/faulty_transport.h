// Wraps a transport and spoils what goes over it, at commands that the test chooses.
#ifndef TPM2_TEST_UNIT_SUPPORT_FAULTY_TRANSPORT_H_
#define TPM2_TEST_UNIT_SUPPORT_FAULTY_TRANSPORT_H_

#include <atomic>
#include <functional>
#include <map>
#include <memory>

#include "tpm2/transport.h"

namespace tpm2::testing {

struct Fault {
  enum class Kind {
    kThrowBeforeSend,  // TRANSPORT_ERROR; the command has not run
    kThrowAfterSend,   // TRANSPORT_ERROR; the command has run, its answer is lost
    kClose,            // as kThrowBeforeSend, and the transport stays closed
    kCloseAfterSend,   // as kThrowAfterSend, and the transport stays closed
    kTruncate,         // the response's first `offset` bytes
    kFlipBit,          // bit `bit` of the response's byte `offset` (none if it is shorter)
    kReplay,           // the command runs, but the response is the one before (empty if none)
    kRcInstead,        // ten bytes with `rc`; the command has not run: RETRY 0x922, LOCKOUT 0x921
    kRcAfterSend,      // ten bytes with `rc`; the command has run
    kEmpty,            // a response of no bytes at all; the command has run
  };
  Kind kind;
  size_t offset = 0;
  unsigned bit = 0;
  uint32_t rc = 0;
};

class FaultyTransport : public Transport {
 public:
  using Tamper = std::function<void(Buffer& bytes)>;

  explicit FaultyTransport(std::unique_ptr<Transport> inner) : inner_(std::move(inner)) {}

  // Commands count from 1, from the beginning of the transport's life. Call from the thread that
  // calls Transceive(), or before there is one.
  FaultyTransport& At(size_t number, Fault fault);
  // Every command with this code from now on, until ClearFaults().
  FaultyTransport& AtEvery(uint32_t command_code, Fault fault);
  void ClearFaults();
  // Called with every command before it is sent, and every response before it is returned; may
  // change the bytes in any way. They run outside of the faults above.
  void TamperCommand(Tamper tamper) { tamper_command_ = std::move(tamper); }
  void TamperResponse(Tamper tamper) { tamper_response_ = std::move(tamper); }

  // From now on it has begun anew; what that means for the TPM behind it is the test's to do.
  void Renew() { renewed_ = true; }

  size_t count() const { return count_; }
  Transport& inner() { return *inner_; }

  Buffer Transceive(ByteView command) override;
  bool IsOpen() const override { return !closed_ && inner_->IsOpen(); }
  bool Cancel() noexcept override { return inner_->Cancel(); }
  void Interrupt() noexcept override { inner_->Interrupt(); }
  const TransportTraits& traits() const override { return inner_->traits(); }
  bool renewed() const override { return renewed_; }

 private:
  const Fault* FaultFor(ByteView command) const;
  Buffer Send(ByteView command);

  const std::unique_ptr<Transport> inner_;
  std::map<size_t, Fault> by_number_;
  std::map<uint32_t, Fault> by_code_;
  Tamper tamper_command_;
  Tamper tamper_response_;
  Buffer previous_;
  std::atomic<size_t> count_{0};
  std::atomic<bool> closed_{false};
  bool renewed_ = false;
};

}  // namespace tpm2::testing

#endif  // TPM2_TEST_UNIT_SUPPORT_FAULTY_TRANSPORT_H_

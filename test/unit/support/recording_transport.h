// Wraps a transport and keeps what went over it.
#ifndef TPM2_TEST_UNIT_SUPPORT_RECORDING_TRANSPORT_H_
#define TPM2_TEST_UNIT_SUPPORT_RECORDING_TRANSPORT_H_

#include <map>
#include <memory>
#include <mutex>
#include <vector>

#include "tpm2/transport.h"

namespace tpm2::testing {

class RecordingTransport : public Transport {
 public:
  struct Exchange {
    Buffer command;
    Buffer response;  // empty if Transceive() threw
  };

  explicit RecordingTransport(std::unique_ptr<Transport> inner) : inner_(std::move(inner)) {}

  // From any thread.
  std::vector<Exchange> exchanges() const;
  size_t count() const;                          // of all commands
  size_t count(uint32_t command_code) const;     // of one command
  std::map<uint32_t, size_t> counts() const;     // by command code
  std::vector<uint32_t> codes() const;           // in order
  bool CommandsContain(ByteView needle) const;   // anywhere in any command
  bool ResponsesContain(ByteView needle) const;  // anywhere in any response
  void Clear();

  Transport& inner() { return *inner_; }

  Buffer Transceive(ByteView command) override;
  bool IsOpen() const override { return inner_->IsOpen(); }
  bool Cancel() noexcept override { return inner_->Cancel(); }
  void Interrupt() noexcept override { inner_->Interrupt(); }
  const TransportTraits& traits() const override { return inner_->traits(); }
  bool renewed() const override { return inner_->renewed(); }

 private:
  const std::unique_ptr<Transport> inner_;
  mutable std::mutex mutex_;
  std::vector<Exchange> exchanges_;  // guarded by mutex_
};

}  // namespace tpm2::testing

#endif  // TPM2_TEST_UNIT_SUPPORT_RECORDING_TRANSPORT_H_

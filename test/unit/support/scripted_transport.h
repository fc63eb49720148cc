// A TPM made of a list: expected commands and the responses to give. Fails the test otherwise.
#ifndef TPM2_TEST_UNIT_SUPPORT_SCRIPTED_TRANSPORT_H_
#define TPM2_TEST_UNIT_SUPPORT_SCRIPTED_TRANSPORT_H_

#include <atomic>
#include <deque>
#include <functional>
#include <string>

#include "tpm2/transport.h"

namespace tpm2::testing {

// A ten-byte response without sessions: what a TPM sends with every code but success.
Buffer ResponseOfCode(uint32_t rc);
// A response without sessions (tag 0x8001) and with these parameters; the header is made here.
Buffer ResponseOf(uint32_t rc, ByteView parameters);
// The commandCode of a command, the responseCode of a response: bytes 6..9; 0 if there are none.
uint32_t CodeOf(ByteView message);
// "8001 0000..." to bytes; blanks are allowed, anything else throws INVALID_ARGUMENT.
Buffer FromHex(std::string_view hex);
std::string ToHex(ByteView bytes);

class ScriptedTransport : public Transport {
 public:
  using Predicate = std::function<bool(ByteView command)>;

  ~ScriptedTransport() override;  // steps that were never reached fail the test

  // The next command must be these bytes, begin with them, have this commandCode, or satisfy this.
  ScriptedTransport& Expect(ByteView command, Buffer response);
  ScriptedTransport& ExpectPrefix(ByteView prefix, Buffer response);
  ScriptedTransport& ExpectCode(uint32_t command_code, Buffer response);
  ScriptedTransport& ExpectWhere(std::string what, Predicate accepts, Buffer response);

  size_t StepsLeft() const { return steps_.size(); }
  TransportTraits& mutable_traits() { return traits_; }

  // A command that is not the expected one fails the test and throws TRANSPORT_ERROR.
  Buffer Transceive(ByteView command) override;
  bool IsOpen() const override { return !interrupted_; }
  void Interrupt() noexcept override { interrupted_ = true; }
  const TransportTraits& traits() const override { return traits_; }

 private:
  struct Step {
    std::string what;
    Predicate accepts;
    Buffer response;
  };
  std::deque<Step> steps_;
  TransportTraits traits_{.description = "scripted"};
  std::atomic<bool> interrupted_{false};
};

}  // namespace tpm2::testing

#endif  // TPM2_TEST_UNIT_SUPPORT_SCRIPTED_TRANSPORT_H_

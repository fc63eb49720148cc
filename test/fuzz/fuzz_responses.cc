// Whatever a TPM answers to a command, the executor makes a response or an error of it.
#include "input.h"
#include "support/wire_type_lists.h"
#include "tpm2/executor.h"

namespace tpm2::fuzzing {
namespace {

// Gives the same answer to every command.
class Answering : public Transport {
 public:
  explicit Answering(Buffer answer) : answer_(std::move(answer)) {}
  Buffer Transceive(ByteView command) override {
    Require(command.size() >= 10, "a command has a header");
    return answer_;
  }
  bool IsOpen() const override { return true; }
  void Interrupt() noexcept override {}
  const TransportTraits& traits() const override { return traits_; }

 private:
  Buffer answer_;
  TransportTraits traits_;
};

// Tag, size and code in front where the fuzzer wants them right.
Buffer Framed(Input& input, bool sessions) {
  uint8_t form = input.Octet();
  Buffer rest = input.Rest();
  if ((form & 1) != 0) return rest;
  size_t size = 10 + rest.size();
  Buffer answer = {0x80,
                   static_cast<uint8_t>(sessions ? 2 : 1),
                   0,
                   0,
                   static_cast<uint8_t>(size >> 8),
                   static_cast<uint8_t>(size),
                   0,
                   0,
                   0,
                   0};
  answer.insert(answer.end(), rest.begin(), rest.end());
  return answer;
}

template <typename Command>
void CheckCommand(Input& input) {
  bool in_session = (input.Octet() & 1) != 0;
  Command command{};
  Session::Parameters parameters;
  parameters.handle = 0x02000000;
  Session session(std::move(parameters));
  Authorization authorization;
  if (in_session) {
    authorization.session = &session;
    authorization.encrypt = true;
  }
  constexpr bool kUnion = requires { command.parameters; };
  if constexpr (kUnion) {
    command.type = AlgId::kRsa;
    command.parameters.template emplace<AlgId::kRsa>();
  }
  Answering transport(Framed(input, true));
  Executor executor(transport);
  executor.set_pause([](std::chrono::milliseconds) {});
  executor.set_trace([](const TraceEvent& event) {
    Require(!event.command.empty(), "a trace names the command");
  });
  Tolerating([&] {
    executor.Run(command, in_session ? Executor::Authorizations(&authorization, 1)
                                     : Executor::Authorizations());
    // Nobody can guess an HMAC over a nonce that is random.
    Require(!in_session, "an answer whose HMAC cannot be right was believed");
  });
}

using Check = void (*)(Input&);
constexpr Check kChecks[] = {
#define CHECK_OF(name) CheckCommand<name>,
    TPM2_COMMANDS(CHECK_OF)
#undef CHECK_OF
};

}  // namespace
}  // namespace tpm2::fuzzing

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size > 4200) return 0;
  tpm2::fuzzing::Input input(data, size);
  constexpr size_t kCount = std::size(tpm2::fuzzing::kChecks);
  tpm2::fuzzing::kChecks[input.Octet() % kCount](input);
  return 0;
}

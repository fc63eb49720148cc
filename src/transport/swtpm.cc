// swtpm's socket interface: TPM messages as they are on the data socket; on the control socket a
// big-endian command number, answered by a big-endian result.
#include <mutex>
#include <utility>

#include "tpm2/error.h"
#include "transport/framing.h"
#include "transport/simulator.h"

namespace tpm2 {
namespace {

constexpr uint32_t kCancelTpmCommand = 9;  // CMD_CANCEL_TPM_CMD of swtpm's control channel

// Cancel() must not hold its caller up, and a control socket that somebody else occupies, or that
// is not there, is no more than a "no".
constexpr std::chrono::milliseconds kCancelConnectLimit{200};

class SwtpmTransport final : public SimulatorTransport {
 public:
  SwtpmTransport(std::unique_ptr<Stream> data, std::optional<Endpoint> control,
                 std::string description)
      : SimulatorTransport(std::move(data), std::move(description)), control_(std::move(control)) {}

  // swtpm 0.7 reads the control socket only after the command under way has ended (measured), so
  // nobody waits for the result here; swtpm forgets a cancellation that comes too late.
  bool Cancel() noexcept override {
    if (!control_) return false;
    try {
      uint64_t command = 0;
      {
        const std::lock_guard lock(mutex_);
        if (!running_) return false;
        if (cancel_) return true;
        command = count_;
      }
      auto stream = ConnectStream(*control_, DeadlineIn(kCancelConnectLimit));
      const std::lock_guard lock(mutex_);
      if (!running_ || count_ != command) return false;
      uint8_t request[4];
      StoreU32(kCancelTpmCommand, request);
      if (!stream->WriteNow(request)) return false;
      cancel_ = std::move(stream);
      return true;
    } catch (...) {
      return false;
    }
  }

 private:
  Buffer Exchange(ByteView command) override {
    data().Write(command);
    return ReadResponse([this](MutableBytes into) { return data().Read(into); });
  }

  void CommandStarts() noexcept override {
    const std::lock_guard lock(mutex_);
    running_ = true;
    ++count_;
  }

  void CommandEnded(bool) noexcept override {
    const std::lock_guard lock(mutex_);
    running_ = false;
    cancel_.reset();
  }

  const std::optional<Endpoint> control_;
  std::mutex mutex_;
  bool running_ = false;            // guarded by mutex_
  uint64_t count_ = 0;              // guarded by mutex_
  std::unique_ptr<Stream> cancel_;  // guarded by mutex_; kept until swtpm has had time to read it
};

}  // namespace

std::unique_ptr<Transport> OpenSwtpm(const Tcti& tcti, Deadline deadline) {
  SimulatorEndpoints ends = EndpointsOf(tcti);
  auto data = ConnectStream(ends.command, deadline);
  return std::make_unique<SwtpmTransport>(std::move(data), std::move(ends.control),
                                          CanonicalTcti(tcti));
}

}  // namespace tpm2

// The TCG reference simulator's TCP protocol (Part 4, "TPM simulator"), as libtss2-tcti-mssim
// speaks it: numbers are big-endian; every platform command is answered by a zero.
#include <cstring>
#include <mutex>
#include <utility>

#include "tpm2/error.h"
#include "transport/framing.h"
#include "transport/simulator.h"

namespace tpm2 {
namespace {

enum SimulatorCommand : uint32_t {
  kPowerOn = 1,
  kSendCommand = 8,
  kCancelOn = 9,
  kCancelOff = 10,
  kNvOn = 11,
  kSessionEnd = 20,
};

// The answers of the platform socket come at once unless the simulator hangs.
constexpr std::chrono::milliseconds kPlatformLimit{2000};

struct Request {
  explicit Request(SimulatorCommand command) { StoreU32(command, bytes); }
  uint8_t bytes[4];
};

void AwaitAcknowledgement(Stream& platform, Deadline deadline) {
  uint8_t answer[4];
  ReadExactly(platform, answer, deadline);
  if (const uint32_t result = LoadU32(answer); result != 0) {
    throw Error(ErrorCode::kTransportError,
                "The simulator's platform socket answered " + std::to_string(result) +
                    " where 0 means success",
                "Check that a TCG simulator listens there, and that the port is right");
  }
}

class MssimTransport final : public SimulatorTransport {
 public:
  MssimTransport(std::unique_ptr<Stream> data, std::unique_ptr<Stream> platform,
                 std::string description)
      : SimulatorTransport(std::move(data), std::move(description)),
        platform_(std::move(platform)) {}

  ~MssimTransport() override {
    if (!IsOpen()) return;
    data().WriteNow(Request(kSessionEnd).bytes);
    platform_->WriteNow(Request(kSessionEnd).bytes);
  }

  bool Cancel() noexcept override {
    const std::lock_guard lock(mutex_);
    if (!running_) return false;
    if (!cancel_on_) cancel_on_ = platform_->WriteNow(Request(kCancelOn).bytes);
    return cancel_on_;
  }

 private:
  Buffer Exchange(ByteView command) override {
    SecretBytes frame(9 + command.size());  // a command may hold a password
    StoreU32(kSendCommand, frame);
    frame[4] = 0;  // locality
    StoreU32(static_cast<uint32_t>(command.size()), MutableBytes(frame).subspan(5));
    std::memcpy(frame.data() + 9, command.data(), command.size());
    data().Write(frame);

    uint8_t word[4];
    ReadExactly(data(), word);
    const uint32_t size = LoadU32(word);
    if (size < kHeaderSize || size > kMaxMessageSize) {
      throw Error(ErrorCode::kTransportError,
                  "The simulator announces a response of " + std::to_string(size) + " bytes");
    }
    Buffer response(size);
    ReadExactly(data(), response);
    if (ResponseSize(response) != size) {
      throw Error(ErrorCode::kTransportError,
                  "The response's header and the simulator's frame differ in size");
    }
    ReadExactly(data(), word);
    if (LoadU32(word) != 0) {
      throw Error(ErrorCode::kTransportError, "The simulator ended its response with " +
                                                  std::to_string(LoadU32(word)) +
                                                  " where 0 means success");
    }
    return response;
  }

  void CommandStarts() noexcept override {
    const std::lock_guard lock(mutex_);
    running_ = true;
  }

  // The simulator holds on to a cancellation until it is told otherwise: every later command would
  // be cancelled too. If it cannot be told, this connection is of no more use.
  void CommandEnded(bool answered) noexcept override {
    {
      const std::lock_guard lock(mutex_);
      running_ = false;
      if (!std::exchange(cancel_on_, false)) return;
    }
    if (!answered) {
      platform_->WriteNow(Request(kCancelOff).bytes);
      return;
    }
    try {
      const Deadline deadline = DeadlineIn(kPlatformLimit);
      AwaitAcknowledgement(*platform_, deadline);
      platform_->Write(Request(kCancelOff).bytes, deadline);
      AwaitAcknowledgement(*platform_, deadline);
    } catch (...) {
      Close();
    }
  }

  const std::unique_ptr<Stream> platform_;
  std::mutex mutex_;
  bool running_ = false;    // guarded by mutex_
  bool cancel_on_ = false;  // guarded by mutex_; its acknowledgement is still to come
};

}  // namespace

std::unique_ptr<Transport> OpenMssim(const Tcti& tcti, Deadline deadline) {
  const SimulatorEndpoints ends = EndpointsOf(tcti);
  auto data = ConnectStream(ends.command, deadline);
  auto platform = ConnectStream(*ends.control, deadline);  // ParseTcti allows no port 65535 here
  try {
    for (const SimulatorCommand command : {kPowerOn, kNvOn}) {
      platform->Write(Request(command).bytes, deadline);
      AwaitAcknowledgement(*platform, deadline);
    }
  } catch (const Error& error) {
    throw Error(ErrorCode::kTpmUnavailable,
                "The simulator at " + EndpointName(*ends.control) +
                    " did not power the TPM on: " + error.message,
                "Check that a TCG simulator serves both ports and has no other client; for swtpm "
                "use swtpm: instead of mssim:");
  }
  return std::make_unique<MssimTransport>(std::move(data), std::move(platform),
                                          CanonicalTcti(tcti));
}

}  // namespace tpm2

// A TPM that answers when it is told to.
#ifndef TPM2_TEST_UNIT_SUPPORT_GATED_TRANSPORT_H_
#define TPM2_TEST_UNIT_SUPPORT_GATED_TRANSPORT_H_

#include <atomic>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <utility>

#include "support/scripted_transport.h"

namespace tpm2::testing {

// Answers GetRandom with one octet; holds each command back while the gate is closed.
class Gate {
 public:
  void Close() { Set(false); }
  void Open() { Set(true); }
  void WaitUntilHeld() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return held_; });
  }

  Buffer Answer(ByteView command) {
    std::unique_lock lock(mutex_);
    held_ = !open_;
    changed_.notify_all();
    changed_.wait(lock, [this] { return open_ || interrupted_ || cancelled_; });
    held_ = false;
    ++commands_;
    if (interrupted_) throw Error(ErrorCode::kClosed, "interrupted");
    if (std::exchange(cancelled_, false)) return ResponseOfCode(0x909);
    return CodeOf(command) == 0x17b ? ResponseOf(0, FromHex("0001aa")) : ResponseOfCode(0);
  }
  bool Cancel() {
    const std::lock_guard lock(mutex_);
    ++cancels_;
    if (held_ && can_cancel_) cancelled_ = true;
    changed_.notify_all();
    return can_cancel_;
  }
  void Interrupt() {
    const std::lock_guard lock(mutex_);
    interrupted_ = true;
    changed_.notify_all();
  }
  bool interrupted() {
    const std::lock_guard lock(mutex_);
    return interrupted_;
  }
  size_t commands() {
    const std::lock_guard lock(mutex_);
    return commands_;
  }
  size_t cancels() {
    const std::lock_guard lock(mutex_);
    return cancels_;
  }
  void CannotCancel() { can_cancel_ = false; }

 private:
  void Set(bool open) {
    const std::lock_guard lock(mutex_);
    open_ = open;
    changed_.notify_all();
  }
  std::mutex mutex_;
  std::condition_variable changed_;
  bool open_ = true, held_ = false, interrupted_ = false, cancelled_ = false;
  std::atomic<bool> can_cancel_{true};
  size_t commands_ = 0, cancels_ = 0;
};

class GatedTransport : public Transport {
 public:
  GatedTransport(std::shared_ptr<Gate> gate, std::shared_ptr<std::atomic<int>> alive)
      : gate_(std::move(gate)), alive_(std::move(alive)) {
    ++*alive_;
  }
  ~GatedTransport() override { --*alive_; }
  Buffer Transceive(ByteView command) override { return gate_->Answer(command); }
  bool IsOpen() const override { return !gate_->interrupted(); }
  bool Cancel() noexcept override { return gate_->Cancel(); }
  void Interrupt() noexcept override { gate_->Interrupt(); }
  const TransportTraits& traits() const override { return traits_; }

 private:
  std::shared_ptr<Gate> gate_;
  std::shared_ptr<std::atomic<int>> alive_;
  TransportTraits traits_{.description = "gated"};
};

}  // namespace tpm2::testing

#endif  // TPM2_TEST_UNIT_SUPPORT_GATED_TRANSPORT_H_

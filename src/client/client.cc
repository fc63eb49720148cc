// The connection to one TPM: opening, losing and leaving it.
#include "tpm2/client.h"

#include <utility>

#include "client/capability.h"
#include "tpm2/commands/system.h"

namespace tpm2 {

Client::Client(TransportFactory open) : open_(std::move(open)) {}

Client::~Client() { Close(); }

void Client::EnsureOpen() {
  if (transport_ != nullptr && transport_->IsOpen() && !transport_->renewed()) return;
  ForgetAll();
  executor_.reset();
  transport_.reset();
  distrust_persistent_parent_ = false;
  parent_replaced_ = false;
  fixed_properties_.clear();
  transport_ = open_();
  executor_ = ExecutorOn(*transport_);
}

bool Client::OpenAnew() noexcept {
  try {
    EnsureOpen();
    return true;
  } catch (const Error&) {
    return false;  // what made it necessary is reported
  }
}

std::unique_ptr<Executor> Client::ExecutorOn(Transport& transport) const {
  auto executor = std::make_unique<Executor>(transport);
  executor->set_trace(trace_);
  executor->set_checkpoint(checkpoint_);
  return executor;
}

void Client::Close() noexcept {
  if (transport_ == nullptr) return;
  if (transport_->IsOpen()) {
    EvictLeaves(0);
    DropTransientParent();
    DropSessions();
  }
  ForgetAll();
  executor_.reset();
  transport_.reset();
}

void Client::OnIdle() noexcept {
  if (transport_ == nullptr || !transport_->IsOpen()) return;
  if (!traits().swaps_every_command) return;
  EvictLeaves(0);
  DropTransientParent();
  DropSessions();
}

bool Client::HoldsObjects() const {
  return !leaves_.empty() || (parent_ && parent_->transient) || hmac_session_ != nullptr ||
         policy_session_ != nullptr || hierarchy_session_ != nullptr;
}

void Client::set_trace(Executor::TraceSink sink) {
  trace_ = std::move(sink);
  if (executor_ != nullptr) executor_->set_trace(trace_);
}

void Client::set_checkpoint(std::function<void()> checkpoint) {
  checkpoint_ = std::move(checkpoint);
  if (executor_ != nullptr) executor_->set_checkpoint(checkpoint_);
}

void Client::Flush(uint32_t handle) noexcept {
  if (transport_ == nullptr || !transport_->IsOpen()) return;
  FlushContext command;
  command.flush_handle = handle;
  // A cancellation that comes late may hit this command instead of the one it was meant for, and
  // what is not flushed here is lost: so not one failure decides.
  constexpr int kTries = 10;
  for (int tries = 0; tries < kTries && transport_->IsOpen(); ++tries) {
    try {
      executor_->WithoutCheckpoint([&] { executor_->Run(command); });
      return;
    } catch (const Error& error) {
      // Gone already (reset, resource manager).
      if (error.hresult == kWindowsInvalidHandle) return;
      if (error.tpm_rc && DecodeResponseCode(*error.tpm_rc).base == rc::kHandle) return;
    }
  }
}

uint32_t Client::FixedProperty(uint32_t property) {
  if (fixed_properties_.empty()) {
    for (const TaggedProperty& item : ReadProperties(*this, pt::kFixed)) {
      fixed_properties_.emplace_back(item.property, item.value);
    }
  }
  for (const auto& [name, value] : fixed_properties_) {
    if (name == property) return value;
  }
  return 0;
}

}  // namespace tpm2

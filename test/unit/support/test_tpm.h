// A fresh libtpms behind everything that a test wants to see or spoil, and a Client on top.
// "_libtpms" tests only: Windows has none of this.
#ifndef TPM2_TEST_UNIT_SUPPORT_TEST_TPM_H_
#define TPM2_TEST_UNIT_SUPPORT_TEST_TPM_H_

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "support/faulty_transport.h"
#include "support/libtpms_transport.h"
#include "support/recording_transport.h"
#include "tpm2/client.h"
#include "tpm2/commands/object.h"

namespace tpm2::testing {

// TPM2_EvictControl, Part 3 28.5, TPM2_HierarchyChangeAuth, 24.8, and TPM2_Clear, 24.6: to set a
// TPM up for a test.
struct EvictControl {
  static constexpr CommandCode kCode = CommandCode::kEvictControl;
  using Response = NoResponse;
  UserHandle auth;
  PlainHandle object_handle;
  uint32_t persistent_handle = 0;
  static constexpr auto Fields() {
    return Declare<EvictControl>(F<&EvictControl::auth>("auth"),
                                 F<&EvictControl::object_handle>("objectHandle"),
                                 F<&EvictControl::persistent_handle>("persistentHandle"));
  }
};
struct HierarchyChangeAuth {
  static constexpr CommandCode kCode = CommandCode::kHierarchyChangeAuth;
  using Response = NoResponse;
  UserHandle auth_handle;
  Auth new_auth;
  static constexpr auto Fields() {
    return Declare<HierarchyChangeAuth>(F<&HierarchyChangeAuth::auth_handle>("authHandle"),
                                        F<&HierarchyChangeAuth::new_auth>("newAuth"));
  }
};
struct ClearCommand {
  static constexpr CommandCode kCode = CommandCode::kClear;
  using Response = NoResponse;
  UserHandle auth_handle;
  static constexpr auto Fields() {
    return Declare<ClearCommand>(F<&ClearCommand::auth_handle>("authHandle"));
  }
};

// Lends a transport to somebody who wants to own one.
class BorrowedTransport : public Transport {
 public:
  explicit BorrowedTransport(Transport& inner) : inner_(inner) {}
  Buffer Transceive(ByteView command) override { return inner_.Transceive(command); }
  bool IsOpen() const override { return inner_.IsOpen(); }
  bool Cancel() noexcept override { return inner_.Cancel(); }
  void Interrupt() noexcept override { inner_.Interrupt(); }
  const TransportTraits& traits() const override { return inner_.traits(); }
  bool renewed() const override { return inner_.renewed(); }

 private:
  Transport& inner_;
};

SecretBytes SecretOf(std::string_view text);
Buffer BytesOfText(std::string_view text);

class TestTpm {
 public:
  TestTpm();
  ~TestTpm();

  LibtpmsTransport& chip() { return chip_; }
  // Of the transport that was opened last.
  FaultyTransport& faulty() { return *faulty_; }
  RecordingTransport& recording() { return *recording_; }
  size_t opened() const { return opened_; }
  // Runs on each new transport before it is used.
  std::function<void(FaultyTransport&)> on_open;

  Client& client() { return *client_; }
  // Another Client on the same TPM; the one before is closed.
  void NewClient();
  CallOptions options;

  // One use case as the connection runs it: reopening before, cleaning up after an error.
  template <typename Operation>
  auto Do(const Operation& request) {
    return Guarded([&] { return Run(*client_, options, request); });
  }
  template <typename Body>
  auto Guarded(Body body);
  // The error that it fails with; a test failure when it does not fail.
  template <typename Operation>
  Error FailureOf(const Operation& request);
  // TPM commands that the call cost, resubmissions apart.
  template <typename Operation>
  size_t CostOf(const Operation& request);

  // Past the client: what the TPM holds, and set-up.
  Executor& direct() { return direct_; }
  std::vector<uint32_t> Handles(uint32_t first);
  std::vector<uint32_t> Loaded();  // transient objects and sessions
  void FlushAll();
  uint32_t MakePrimary(const Public& area, uint32_t hierarchy = rh::kOwner, ByteView auth = {});
  void Persist(uint32_t transient, uint32_t persistent);  // and flushes the transient one
  void PersistStorageParent(uint32_t handle = 0x81000001);
  void Clear();  // another owner's seed
  void SetHierarchyAuth(uint32_t hierarchy, ByteView auth, ByteView current = {});

 private:
  std::shared_ptr<Transport> Open();

  LibtpmsTransport chip_;
  Executor direct_;
  FaultyTransport* faulty_ = nullptr;
  RecordingTransport* recording_ = nullptr;
  size_t opened_ = 0;
  std::unique_ptr<Client> client_;
};

template <typename Body>
auto TestTpm::Guarded(Body body) {
  try {
    client_->EnsureOpen();
    return body();
  } catch (const Error& error) {
    client_->AfterError(error);
    throw;
  }
}

template <typename Operation>
Error TestTpm::FailureOf(const Operation& request) {
  try {
    Do(request);
  } catch (const Error& error) {
    return error;
  }
  return Error(ErrorCode::kTpmRc, "it did not fail");
}

template <typename Operation>
size_t TestTpm::CostOf(const Operation& request) {
  client_->EnsureOpen();
  uint64_t before = client_->executor().counts().commands;
  Do(request);
  return static_cast<size_t>(client_->executor().counts().commands - before);
}

}  // namespace tpm2::testing

#endif  // TPM2_TEST_UNIT_SUPPORT_TEST_TPM_H_

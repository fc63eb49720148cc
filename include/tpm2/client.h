// A TPM as the use cases see it: a transport that is reopened when it was lost, an executor, the
// storage parent, the objects and sessions that are kept warm. Belongs to one connection's thread.
#ifndef TPM2_CLIENT_H_
#define TPM2_CLIENT_H_

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "tpm2/executor.h"
#include "tpm2/operations/common.h"

namespace tpm2 {

// A key or sealed object in the TPM.
struct LoadedObject {
  Entity entity;
  Public area;
};

struct Load;

class Client {
 public:
  using TransportFactory = std::function<std::shared_ptr<Transport>()>;
  explicit Client(TransportFactory open);
  ~Client();
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;

  // Opens the transport if there is none that works. Called before each use case.
  void EnsureOpen();
  // Flushes all that is ours and closes the transport. Never throws.
  void Close() noexcept;
  // After a second without work: what is held is given back where holding it costs others.
  void OnIdle() noexcept;
  bool HoldsObjects() const;
  bool IsOpen() const { return transport_ != nullptr && transport_->IsOpen(); }

  Executor& executor() { return *executor_; }
  // Told of another way to the TPM while commands go there, and null when that is over; so that a
  // cancellation finds them.
  using SideWatcher = std::function<void(Transport*)>;
  void set_side_watcher(SideWatcher watcher) { side_watcher_ = std::move(watcher); }
  const TransportTraits& traits() const { return transport_->traits(); }
  void set_trace(Executor::TraceSink sink);
  void set_checkpoint(std::function<void()> checkpoint);

  template <typename Command>
  typename Command::Response Run(const Command& command,
                                 Executor::Authorizations authorizations = {}) {
    return executor().Run(command, authorizations);
  }

  // --- objects -------------------------------------------------------------------------------
  // Calls body(), and once more where the TPM has lost what is kept warm (reset, resource manager)
  // or had no slot left: cases in which the refused command did not run.
  template <typename Body>
  auto Retrying(Body body);
  // Loads the object (or finds it loaded) and calls use(const LoadedObject&), retrying. What the
  // use will need is started first, while the storage parent is loaded anyway.
  enum class Needs { kNothing, kEncryptingSession, kPolicySession };
  template <typename Use>
  auto WithObject(const ObjectBlob& blob, const CallOptions& options, Needs needs, Use use);
  // The storage parent, loaded, with room for one more object beside it: for Create. Retrying.
  template <typename Use>
  auto WithParent(const CallOptions& options, Use use);
  Authorization AuthorizeParent(const CallOptions& options, bool carries_secret);
  void Release(const ObjectBlob& blob);
  // Throws when the use case under way was given up. Each command asks; what sends none has to.
  void Checkpoint() const {
    if (checkpoint_) checkpoint_();
  }
  void Flush(uint32_t handle) noexcept;
  // Leaves one object slot free at least, whatever is kept warm: at most one leaf beside a
  // transient parent, none where each costs a save and a load per command.
  void MakeRoom();
  // The same, but spares the object that was used last.
  void MakeRoomBesideLast() { EvictLeaves(1); }

  // --- sessions ------------------------------------------------------------------------------
  // The kept HMAC session. It is salted to the storage parent; where that cannot be made for want
  // of the owner's auth, and neither a pin nor the use asks for it, to an endorsement key.
  enum class SaltKey { kParent, kParentOrEk };
  Session& EncryptingSession(const CallOptions& options, SaltKey salt = SaltKey::kParent);
  // A kept policy session with nothing asserted; salted and encrypting when options.encrypt says.
  Session& PolicySession(const CallOptions& options);
  // How to authorise `auth_value`: in the kept session when there is a secret to protect and
  // encryption is on, else as a password.
  Authorization Authorize(ByteView auth_value, const CallOptions& options, bool carries_secret);
  // The same for a hierarchy, when the storage parent may not be there yet.
  Authorization AuthorizeHierarchy(ByteView auth_value, const CallOptions& options);
  void DropSessions() noexcept;
  void DropPolicySession() noexcept { FlushSession(policy_session_); }
  // After any error of a use case: sessions whose nonces may be out of step are given up.
  void AfterError(const Error& error) noexcept;

  // --- facts about this TPM that do not change while it is open --------------------------------
  uint32_t FixedProperty(uint32_t property);
  void ForgetFixedProperties() { fixed_properties_.clear(); }

 private:
  friend class SideWay;
  struct Leaf {
    Buffer public_area;
    Buffer private_area;
    LoadedObject object;
    Name parent_name;
    uint64_t last_use = 0;
  };
  struct Parent {
    LoadedObject object;
    bool transient = false;
  };

  const LoadedObject& EnsureLoaded(const ObjectBlob& blob, const CallOptions& options);
  const Leaf* FindLeaf(const ObjectBlob& blob, const CallOptions& options);
  LoadedObject Load(const ObjectBlob& blob, const CallOptions& options);
  LoadedObject LoadOnce(const tpm2::Load& command, const CallOptions& options);
  // After a blob was refused: if the persistent parent is none of this seed's, but a key that looks
  // like it, and the blob belongs to the primary, then that is the parent from here on, and
  // Recover() says that the use case begins again. Else all stays as it was.
  void ReplaceLookAlike(tpm2::Load command, const CallOptions& options);
  const LoadedObject& EnsureParent(const CallOptions& options);
  void MakeOrFindParent(const CallOptions& options);
  bool AdoptPersistentParent(std::optional<LoadedObject> key);
  void FindPersistentParent();
  bool ScanForPersistentParent();
  void CreateParent(const CallOptions& options);
  void CheckPin(const Name& parent_name, const CallOptions& options) const;
  void DropTransientParent() noexcept;
  void EvictLeaves(size_t keep) noexcept;
  // The TPM no longer knows what we hold: forget it without flushing.
  void ForgetAll() noexcept;
  static bool LostContext(const Error& error);
  // True when the caller should do it once more after `error`.
  bool Recover(const Error& error) noexcept;
  // Another transport in the place of one that was renewed. False if there is none to be had.
  bool OpenAnew() noexcept;
  std::unique_ptr<Session> StartSaltedSession(SessionType type, const CallOptions& options,
                                              SaltKey salt);
  // A kept session that is salted to another key than the one that is pinned now is given up.
  void FlushIfNotPinned(std::unique_ptr<Session>& session, const Name& salted_to,
                        const CallOptions& options);
  void FlushSession(std::unique_ptr<Session>& session) noexcept;
  std::unique_ptr<Executor> ExecutorOn(Transport& transport) const;

  TransportFactory open_;
  std::shared_ptr<Transport> transport_;
  std::unique_ptr<Executor> executor_;
  Executor::TraceSink trace_;
  std::function<void()> checkpoint_;
  SideWatcher side_watcher_;

  std::vector<Leaf> leaves_;
  uint64_t use_count_ = 0;
  std::optional<Parent> parent_;
  Name last_parent_name_;                      // of the parent that new leaves belong to
  bool persistent_parent_is_primary_ = false;  // as making the primary has shown
  bool distrust_persistent_parent_ = false;    // it only looked like the primary
  bool parent_replaced_ = false;               // while the error that tells so is under way
  std::unique_ptr<Session> hmac_session_;
  std::unique_ptr<Session> policy_session_;
  // The parents that these two are salted to; empty for an endorsement key, or for none.
  Name hmac_salted_to_;
  Name policy_salted_to_;
  std::unique_ptr<Session> hierarchy_session_;
  std::vector<std::pair<uint32_t, uint32_t>> fixed_properties_;
};

template <typename Body>
auto Client::Retrying(Body body) {
  try {
    return body();
  } catch (const Error& error) {
    if (!Recover(error)) throw;
  }
  return body();
}

template <typename Use>
auto Client::WithObject(const ObjectBlob& blob, const CallOptions& options, Needs needs, Use use) {
  return Retrying([&] {
    if (needs == Needs::kEncryptingSession && options.encrypt) EncryptingSession(options);
    if (needs == Needs::kPolicySession) PolicySession(options);
    return use(EnsureLoaded(blob, options));
  });
}

template <typename Use>
auto Client::WithParent(const CallOptions& options, Use use) {
  return Retrying([&] {
    MakeRoom();
    auto result = use(EnsureParent(options));
    if (traits().swaps_every_command) DropTransientParent();
    return result;
  });
}

// An object that is ours for one use case and flushed on every way out of it.
class ScopedObject {
 public:
  ScopedObject(Client& client, uint32_t handle) : client_(client), handle_(handle) {}
  ~ScopedObject() {
    if (!released_) client_.Flush(handle_);
  }
  ScopedObject(const ScopedObject&) = delete;
  ScopedObject& operator=(const ScopedObject&) = delete;
  // Somebody else flushes it from now on.
  void Release() { released_ = true; }

 private:
  Client& client_;
  uint32_t handle_;
  bool released_ = false;
};

// Another way to the TPM than the client's own, traced and stopped as that is. Ends before the
// transport does. One at a time.
class SideWay {
 public:
  SideWay(Client& client, Transport& transport)
      : client_(client), executor_(client.ExecutorOn(transport)) {
    if (client_.side_watcher_) client_.side_watcher_(&transport);
  }
  ~SideWay() {
    if (client_.side_watcher_) client_.side_watcher_(nullptr);
  }
  SideWay(const SideWay&) = delete;
  SideWay& operator=(const SideWay&) = delete;

  Executor& executor() { return *executor_; }

 private:
  Client& client_;
  std::unique_ptr<Executor> executor_;
};

}  // namespace tpm2

#endif  // TPM2_CLIENT_H_

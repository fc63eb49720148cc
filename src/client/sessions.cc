// The sessions that are kept: one that encrypts, one for policies.
#include <optional>
#include <utility>

#include "client/ek.h"
#include "crypto/crypto.h"
#include "tpm2/client.h"
#include "tpm2/commands/session.h"

namespace tpm2 {
namespace {

bool OutOfSessionSlots(const Error& error) {
  if (!error.tpm_rc) return false;
  uint32_t code = DecodeResponseCode(*error.tpm_rc).base;
  return code == rc::kSessionMemory || code == rc::kSessionHandles;
}

}  // namespace

void Client::FlushSession(std::unique_ptr<Session>& session) noexcept {
  if (session == nullptr) return;
  Flush(session->handle());
  session.reset();
}

void Client::DropSessions() noexcept {
  FlushSession(hmac_session_);
  FlushSession(policy_session_);
  FlushSession(hierarchy_session_);
}

std::unique_ptr<Session> Client::StartSaltedSession(SessionType type, const CallOptions& options,
                                                    SaltKey salt) {
  SessionOptions wanted;
  wanted.type = type;
  Name& salted_to = type == SessionType::kHmac ? hmac_salted_to_ : policy_salted_to_;
  salted_to = Name();
  if (!options.encrypt) {
    wanted.aes_bits = 0;
    return StartSession(executor(), wanted);
  }
  // Beside the object that may be in use.
  if (!parent_) MakeRoomBesideLast();
  const LoadedObject* key = nullptr;
  std::optional<EndorsementKey> ek;  // flushed when the session has been started
  try {
    key = &EnsureParent(options);
  } catch (const Error& error) {
    const bool wants_owner = error.code == ErrorCode::kAuthFailed;
    if (salt == SaltKey::kParent || !wants_owner || options.parent_name) throw;
    key = &ek.emplace(*this, options).object();
  }
  wanted.salt_key = &key->entity;
  wanted.salt_public = &key->area;
  std::unique_ptr<Session> session = StartSession(executor(), wanted);
  if (!ek) salted_to = key->entity.name;
  return session;
}

void Client::FlushIfNotPinned(std::unique_ptr<Session>& session, const Name& salted_to,
                              const CallOptions& options) {
  if (session == nullptr || !options.parent_name || !session->can_encrypt()) return;
  if (crypto::ConstantTimeEqual(salted_to.view(), *options.parent_name)) return;
  if (parent_) CheckPin(parent_->object.entity.name, options);
  FlushSession(session);
}

Session& Client::EncryptingSession(const CallOptions& options, SaltKey salt) {
  FlushIfNotPinned(hmac_session_, hmac_salted_to_, options);
  if (hmac_session_ != nullptr) return *hmac_session_;
  // On /dev/tpmrm0 one session at a time: each costs a save and a load around every command.
  if (traits().swaps_every_command) FlushSession(policy_session_);
  try {
    hmac_session_ = StartSaltedSession(SessionType::kHmac, options, salt);
  } catch (const Error& error) {
    if (!OutOfSessionSlots(error) || policy_session_ == nullptr) throw;
    FlushSession(policy_session_);
    hmac_session_ = StartSaltedSession(SessionType::kHmac, options, salt);
  }
  FlushSession(hierarchy_session_);  // the salted one serves hierarchies too from here on
  return *hmac_session_;
}

Session& Client::PolicySession(const CallOptions& options) {
  if (options.encrypt) FlushIfNotPinned(policy_session_, policy_salted_to_, options);
  if (policy_session_ != nullptr && policy_session_->can_encrypt() == options.encrypt) {
    return *policy_session_;
  }
  FlushSession(policy_session_);
  if (traits().swaps_every_command) FlushSession(hmac_session_);
  try {
    policy_session_ = StartSaltedSession(SessionType::kPolicy, options, SaltKey::kParent);
  } catch (const Error& error) {
    if (!OutOfSessionSlots(error) || hmac_session_ == nullptr) throw;
    FlushSession(hmac_session_);
    policy_session_ = StartSaltedSession(SessionType::kPolicy, options, SaltKey::kParent);
  }
  return *policy_session_;
}

Authorization Client::Authorize(ByteView auth_value, const CallOptions& options,
                                bool carries_secret) {
  Authorization authorization;
  authorization.auth_value = auth_value;
  if (!options.encrypt || (TrimAuth(auth_value).empty() && !carries_secret)) return authorization;
  authorization.session = &EncryptingSession(options, SaltKey::kParentOrEk);
  authorization.encrypt = true;
  return authorization;
}

Authorization Client::AuthorizeHierarchy(ByteView auth_value, const CallOptions& options) {
  Authorization authorization;
  authorization.auth_value = auth_value;
  if (!options.encrypt || TrimAuth(auth_value).empty()) return authorization;
  if (hmac_session_ != nullptr) {
    authorization.session = hmac_session_.get();
    authorization.encrypt = true;
    return authorization;
  }
  // Nothing to salt to yet. An HMAC still keeps the auth value itself off the bus.
  if (hierarchy_session_ == nullptr) {
    SessionOptions wanted;
    wanted.aes_bits = 0;
    hierarchy_session_ = StartSession(executor(), wanted);
  }
  authorization.session = hierarchy_session_.get();
  return authorization;
}

}  // namespace tpm2

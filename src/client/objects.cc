// Which objects stay in the TPM: a storage parent and at most two leaves in three slots.
#include <algorithm>
#include <utility>

#include "client/capability.h"
#include "client/keys.h"
#include "client/templates.h"
#include "crypto/crypto.h"
#include "crypto/key_convert.h"
#include "tpm2/client.h"
#include "tpm2/commands/object.h"
#include "tpm2/commands/system.h"

namespace tpm2 {
namespace {

constexpr uint32_t kUsualParent = 0x81000001;
// Where the TCG's registry of reserved handles has storage primary keys; endorsement keys follow.
constexpr uint32_t kFirstStoragePrimary = 0x81000000;
constexpr uint32_t kLastStoragePrimary = 0x8100ffff;

uint32_t BaseCode(const Error& error) {
  return error.tpm_rc ? DecodeResponseCode(*error.tpm_rc).base : 0;
}

// A persistent object; nothing when there is none (or none to be read).
std::optional<LoadedObject> ReadPersistent(Client& client, uint32_t handle) {
  try {
    return ReadKey(client, handle);
  } catch (const Error& error) {
    if (!error.tpm_rc || error.code == ErrorCode::kTransportError) throw;
    return std::nullopt;
  }
}

// TPM2_Load's parameters are the two halves of a blob. What the TPM finds wrong with them, be it a
// size, an attribute or an algorithm, no TPM has made so for this parent.
bool RefusesBlob(const Error& error) {
  return error.tpm_rc && DecodeResponseCode(*error.tpm_rc).subject == RcSubject::kParameter;
}
Error AlteredBlob(const Error& refusal) {
  const DecodedRc integrity = DecodeResponseCode(rc::kIntegrity);
  Error error = refusal;
  error.code = integrity.code;
  error.suggestion = integrity.suggestion;
  error.message = error.command + " failed: " + error.rc_name + " (" + error.rc_subject +
                  "): the blob was altered, or belongs to another TPM or parent.";
  return error;
}

bool OutOfObjectSlots(const Error& error) {
  uint32_t code = BaseCode(error);
  return code == rc::kObjectMemory || code == rc::kObjectHandles;
}

}  // namespace

LoadedObject ReadKey(Client& client, uint32_t handle) {
  ReadPublic command;
  command.object_handle = Entity{handle, Name()};
  ReadPublicResponse response = client.Run(command);
  Name name = crypto::NameOf(*response.out_public);
  if (!(name == Name(response.name.view()))) {
    throw Error(ErrorCode::kIntegrity,
                "TPM2_ReadPublic: the answer's public area and its Name do not belong together",
                "Nothing of this answer was used. Find out what sits between this program and the "
                "TPM.");
  }
  return {{handle, name}, std::move(*response.out_public)};
}

void Client::MakeRoom() { EvictLeaves(traits().swaps_every_command ? 0 : 1); }

void Client::EvictLeaves(size_t keep) noexcept {
  while (leaves_.size() > keep) {
    auto oldest =
        std::min_element(leaves_.begin(), leaves_.end(),
                         [](const Leaf& a, const Leaf& b) { return a.last_use < b.last_use; });
    Flush(oldest->object.entity.handle);
    leaves_.erase(oldest);
  }
}

void Client::DropTransientParent() noexcept {
  if (!parent_ || !parent_->transient) return;
  Flush(parent_->object.entity.handle);
  parent_.reset();
}

void Client::ForgetAll() noexcept {
  leaves_.clear();
  parent_.reset();
  persistent_parent_is_primary_ = false;
  last_parent_name_ = Name();
  hmac_session_.reset();
  policy_session_.reset();
  hierarchy_session_.reset();
}

bool Client::LostContext(const Error& error) {
  if (error.hresult == kWindowsInvalidHandle) return true;
  uint32_t code = BaseCode(error);
  // REFERENCE_H0..H6 and S0..S6: a handle or session of ours that the TPM no longer has.
  return (code >= rc::kReferenceH0 && code <= rc::kReferenceS0 + 6) || code == rc::kContextGap ||
         (code == rc::kHandle && DecodeResponseCode(*error.tpm_rc).subject == RcSubject::kHandle);
}

void Client::AfterError(const Error& error) noexcept {
  if (transport_ == nullptr) return;
  // A refused command leaves a session's nonces alone. After an answer that is none, or a code that
  // no TPM gives for a refusal (FAILURE, nonsense), it may have run all the same. And an HMAC that
  // the TPM refuses may be the session's fault: a nonce that was altered when it was started.
  constexpr uint32_t kFormatOne = 0x80;
  const bool refusal = error.tpm_rc && (*error.tpm_rc & kFormatOne) != 0;
  const bool strange = error.code == ErrorCode::kTpmRc && !refusal;
  if (!transport_->IsOpen()) {
    ForgetAll();
  } else if (strange || error.code == ErrorCode::kAuthFailed ||
             error.code == ErrorCode::kIntegrity || error.code == ErrorCode::kTransportError ||
             error.code == ErrorCode::kMarshallingError) {
    DropSessions();
  }
}

bool Client::Recover(const Error& error) noexcept {
  if (transport_ == nullptr || !transport_->IsOpen()) {
    ForgetAll();
    return false;
  }
  if (std::exchange(parent_replaced_, false)) return true;
  if (OutOfObjectSlots(error) && (!leaves_.empty() || (parent_ && parent_->transient))) {
    EvictLeaves(0);
    DropTransientParent();
    return true;
  }
  if (LostContext(error) && transport_->renewed()) return OpenAnew();
  if (!LostContext(error) || !HoldsObjects()) return false;
  // Some of it may still be there (only the sessions lapsed, say), so flush rather than forget.
  EvictLeaves(0);
  DropTransientParent();
  DropSessions();
  ForgetAll();
  return true;
}

void Client::CheckPin(const Name& parent_name, const CallOptions& options) const {
  if (!options.parent_name) return;
  if (crypto::ConstantTimeEqual(parent_name.view(), *options.parent_name)) return;
  throw Error(ErrorCode::kIntegrity, "the TPM's storage parent is not the one that parentName pins",
              "Either this is another TPM, it was cleared, or something between this program and "
              "the TPM answers in its place. Do not use it before you know which.");
}

bool Client::AdoptPersistentParent(std::optional<LoadedObject> key) {
  if (!key || !templates::IsStorageParent(key->area)) return false;
  parent_ = Parent{std::move(*key), false};
  return true;
}

void Client::FindPersistentParent() {
  std::optional<LoadedObject> usual = ReadPersistent(*this, kUsualParent);
  // Where the usual place is empty a primary is made at once: a scan would cost every first use a
  // command. Where another key has taken the place, ours may be persistent elsewhere.
  if (usual && !AdoptPersistentParent(std::move(usual))) ScanForPersistentParent();
}

bool Client::ScanForPersistentParent() {
  for (uint32_t handle : ReadHandles(*this, kFirstStoragePrimary)) {
    const bool candidate = handle >= kFirstStoragePrimary && handle <= kLastStoragePrimary;
    if (!candidate || handle == kUsualParent) continue;
    if (AdoptPersistentParent(ReadPersistent(*this, handle))) return true;
  }
  return false;
}

void Client::CreateParent(const CallOptions& options) {
  CreatePrimary command;
  command.primary_handle = Entity::Of(rh::kOwner);
  *command.in_public = templates::StorageParent();
  Authorization owner = AuthorizeHierarchy(options.owner_auth, options);
  CreatePrimaryResponse created = Run(command, {&owner, 1});
  ScopedObject flush_on_error(*this, created.object_handle.value);
  Name name = crypto::NameOf(*created.out_public);
  if (!templates::IsStorageParent(*created.out_public) || !(name == Name(created.name.view()))) {
    throw Error(ErrorCode::kIntegrity, "TPM2_CreatePrimary: the answer is not the key asked for");
  }
  parent_ = Parent{{{created.object_handle.value, name}, std::move(*created.out_public)}, true};
  flush_on_error.Release();
}

const LoadedObject& Client::EnsureParent(const CallOptions& options) {
  if (!parent_) {
    if (!distrust_persistent_parent_) FindPersistentParent();
    if (!parent_) MakeOrFindParent(options);
    last_parent_name_ = parent_->object.entity.name;
  }
  CheckPin(parent_->object.entity.name, options);
  return parent_->object;
}

void Client::MakeOrFindParent(const CallOptions& options) {
  try {
    CreateParent(options);
  } catch (const Error& error) {
    // Without the owner's auth one that is persistent in another place is the only one to be had.
    const bool wants_owner = error.code == ErrorCode::kAuthFailed && !distrust_persistent_parent_;
    if (!wants_owner || !ScanForPersistentParent()) throw;
  }
}

Authorization Client::AuthorizeParent(const CallOptions& options, bool carries_secret) {
  // A parent that was made here has the empty auth value; a persistent one may have its own.
  ByteView auth = parent_->transient ? ByteView() : ByteView(options.parent_auth);
  return Authorize(auth, options, carries_secret);
}

const Client::Leaf* Client::FindLeaf(const ObjectBlob& blob, const CallOptions& options) {
  for (Leaf& leaf : leaves_) {
    if (leaf.public_area == blob.public_area && leaf.private_area == blob.private_area) {
      CheckPin(leaf.parent_name, options);
      leaf.last_use = ++use_count_;
      return &leaf;
    }
  }
  return nullptr;
}

LoadedObject Client::LoadOnce(const tpm2::Load& command, const CallOptions& options) {
  // TPM2_Load carries nothing secret: the private part is wrapped. Only the parent's auth is.
  Authorization authorization = AuthorizeParent(options, false);
  LoadResponse loaded = Run(command, {&authorization, 1});
  Name name = crypto::NameOf(*command.in_public);
  if (!(name == Name(loaded.name.view()))) {
    Flush(loaded.object_handle.value);
    throw Error(ErrorCode::kIntegrity, "TPM2_Load: the TPM loaded another object");
  }
  return {{loaded.object_handle.value, name}, *command.in_public};
}

LoadedObject Client::Load(const ObjectBlob& blob, const CallOptions& options) {
  tpm2::Load command;
  command.in_private = FromBytes<Private>(blob.private_area, "TPM2B_PRIVATE");
  command.in_public = FromBytes<Sized<Public>>(blob.public_area, "TPM2B_PUBLIC");
  for (bool again = true;; again = false) {
    command.parent_handle = EnsureParent(options).entity;
    try {
      return LoadOnce(command, options);
    } catch (const Error& error) {
      if (again && OutOfObjectSlots(error) && !leaves_.empty()) {
        EvictLeaves(0);
      } else if (RefusesBlob(error)) {
        if (BaseCode(error) == rc::kIntegrity) ReplaceLookAlike(command, options);
        throw AlteredBlob(error);
      } else {
        throw;
      }
    }
  }
}

void Client::ReplaceLookAlike(tpm2::Load command, const CallOptions& options) {
  // A parent that is pinned is the right one, and the primary of the seed is it by construction.
  if (parent_->transient || persistent_parent_is_primary_ || options.parent_name) return;
  Parent doubtful = *std::exchange(parent_, std::nullopt);
  try {
    DropSessions();  // they are salted to it
    CreateParent(options);
    if (parent_->object.entity.name == doubtful.object.entity.name) {
      persistent_parent_is_primary_ = true;
    } else {
      command.parent_handle = parent_->object.entity;
      Flush(LoadOnce(command, options).entity.handle);
      distrust_persistent_parent_ = true;
      parent_replaced_ = true;
      last_parent_name_ = parent_->object.entity.name;
      return;
    }
  } catch (const Error&) {
    // There is no better parent to be had, and what the first one said of the blob stands.
  }
  DropTransientParent();
  parent_ = std::move(doubtful);
}

const LoadedObject& Client::EnsureLoaded(const ObjectBlob& blob, const CallOptions& options) {
  if (const Leaf* leaf = FindLeaf(blob, options)) return leaf->object;
  MakeRoom();
  Leaf leaf;
  leaf.public_area = blob.public_area;
  leaf.private_area = blob.private_area;
  leaf.object = Load(blob, options);
  leaf.parent_name = last_parent_name_;
  leaf.last_use = ++use_count_;
  leaves_.push_back(std::move(leaf));
  if (traits().swaps_every_command) DropTransientParent();
  return leaves_.back().object;
}

void Client::Release(const ObjectBlob& blob) {
  for (auto leaf = leaves_.begin(); leaf != leaves_.end(); ++leaf) {
    if (leaf->public_area != blob.public_area || leaf->private_area != blob.private_area) continue;
    Flush(leaf->object.entity.handle);
    leaves_.erase(leaf);
    return;
  }
}

}  // namespace tpm2

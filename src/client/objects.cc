// Which objects stay in the TPM: a storage parent and at most two leaves in three slots.
#include <algorithm>
#include <utility>

#include "client/templates.h"
#include "crypto/crypto.h"
#include "crypto/key_convert.h"
#include "tpm2/client.h"
#include "tpm2/commands/object.h"
#include "tpm2/commands/system.h"

namespace tpm2 {
namespace {

constexpr uint32_t kUsualParent = 0x81000001;
constexpr uint32_t kFirstOwnerPersistent = 0x81000000;
constexpr uint32_t kLastOwnerPersistent = 0x817fffff;

uint32_t BaseCode(const Error& error) {
  return error.tpm_rc ? DecodeResponseCode(*error.tpm_rc).base : 0;
}

// The public area of a persistent object; nothing when there is none (or none to be read).
std::optional<Public> ReadPersistent(Client& client, uint32_t handle) {
  ReadPublic command;
  command.object_handle = Entity{handle, Name()};
  try {
    return std::move(*client.Run(command).out_public);
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
  if (OutOfObjectSlots(error) && (!leaves_.empty() || (parent_ && parent_->transient))) {
    EvictLeaves(0);
    DropTransientParent();
    return true;
  }
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

bool Client::AdoptPersistentParent(uint32_t handle) {
  std::optional<Public> area = ReadPersistent(*this, handle);
  if (!area || !templates::IsStorageParent(*area)) return false;
  Name name = crypto::NameOf(*area);
  parent_ = Parent{{{handle, name}, std::move(*area)}, false};
  return true;
}

void Client::FindPersistentParent() {
  std::optional<Public> usual = ReadPersistent(*this, kUsualParent);
  // Where the usual place is empty a primary is made at once: a scan would cost every first use a
  // command. Where another key has taken the place, ours may be persistent elsewhere.
  if (!usual) return;
  if (templates::IsStorageParent(*usual)) {
    Name name = crypto::NameOf(*usual);
    parent_ = Parent{{{kUsualParent, name}, std::move(*usual)}, false};
    return;
  }
  GetCapability command;
  command.capability = Capability::kHandles;
  command.property = kUsualParent;
  command.property_count = 32;
  GetCapabilityResponse response = Run(command);
  const auto* list = response.data.data.get_if<Capability::kHandles>();
  if (list == nullptr) return;
  for (uint32_t handle : list->items) {
    bool candidate = handle >= kFirstOwnerPersistent && handle <= kLastOwnerPersistent;
    if (candidate && handle != kUsualParent && AdoptPersistentParent(handle)) return;
  }
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
    if (!parent_) CreateParent(options);
    last_parent_name_ = parent_->object.entity.name;
  }
  CheckPin(parent_->object.entity.name, options);
  return parent_->object;
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

LoadedObject Client::Load(const ObjectBlob& blob, const CallOptions& options) {
  tpm2::Load command;
  command.in_private = FromBytes<Private>(blob.private_area, "TPM2B_PRIVATE");
  command.in_public = FromBytes<Sized<Public>>(blob.public_area, "TPM2B_PUBLIC");
  Name name = crypto::NameOf(*command.in_public);
  for (bool again = true;; again = false) {
    const LoadedObject& parent = EnsureParent(options);
    command.parent_handle = parent.entity;
    // TPM2_Load carries nothing secret: the private part is wrapped. Only the parent's auth is.
    Authorization authorization = AuthorizeParent(options, false);
    try {
      LoadResponse loaded = Run(command, {&authorization, 1});
      if (!(name == Name(loaded.name.view()))) {
        Flush(loaded.object_handle.value);
        throw Error(ErrorCode::kIntegrity, "TPM2_Load: the TPM loaded another object");
      }
      return {{loaded.object_handle.value, name}, std::move(*command.in_public)};
    } catch (const Error& error) {
      bool foreign = BaseCode(error) == rc::kIntegrity && !parent_->transient;
      if (again && foreign) {
        // A persistent key of our form that is not the primary of this seed: make that one.
        distrust_persistent_parent_ = true;
        parent_.reset();
        DropSessions();
      } else if (again && OutOfObjectSlots(error) && !leaves_.empty()) {
        EvictLeaves(0);
      } else if (RefusesBlob(error)) {
        throw AlteredBlob(error);
      } else {
        throw;
      }
    }
  }
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

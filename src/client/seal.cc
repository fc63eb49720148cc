// Data sealed to this TPM, and to the state of its PCRs when asked.
#include "client/keys.h"
#include "client/pcr.h"
#include "client/seal_blob.h"
#include "client/templates.h"
#include "crypto/policy_digest.h"
#include "tpm2/client.h"
#include "tpm2/commands/object.h"
#include "tpm2/commands/session.h"
#include "tpm2/operations/keys.h"

namespace tpm2 {
namespace {

// MAX_SYM_DATA, Part 2 11.1.14.
constexpr size_t kMaxSealedData = 128;

SecretBytes UnsealWithPolicy(Client& client, const CallOptions& options, const LoadedObject& item,
                             const SealBlob& blob, ByteView auth) {
  Session& session = client.PolicySession(options);
  try {
    PolicyPcr pcr;
    pcr.policy_session = Entity::Of(session.handle());
    pcr.pcrs = blob.selection;
    client.Run(pcr);
    if (blob.policy_auth_value) {
      PolicyAuthValue with_auth;
      with_auth.policy_session = Entity::Of(session.handle());
      client.Run(with_auth);
      session.set_policy_auth(Session::PolicyAuth::kAuthValue);
    }
    // The TPM mixes the object's auth value into the encryption whether or not the policy asks for
    // it (Part 1 21.2). Without PolicyAuthValue nothing would tell that a superfluous one was
    // given, and something else than the data would come out; noDA says that the object has none.
    bool has_auth = blob.policy_auth_value || !Has(item.area.attributes, ObjectAttributes::kNoDa);
    Authorization authorization{&session, has_auth ? auth : ByteView(), session.can_encrypt(),
                                true};
    Unseal command;
    command.item_handle = item.entity;
    SecretBytes data = client.Run(command, {&authorization, 1}).out_data.Take();
    // A policy session that is used starts over (Part 1 19.7.11).
    session.set_policy_auth(Session::PolicyAuth::kNone);
    return data;
  } catch (const Error&) {
    // It holds assertions that the next use must not inherit.
    client.DropPolicySession();
    throw;
  }
}

}  // namespace

Buffer Run(Client& client, const CallOptions& options, const op::Seal& request) {
  if (request.data.empty() || request.data.size() > kMaxSealedData) {
    throw Error(ErrorCode::kInvalidArgument,
                "data: a TPM seals 1 to 128 bytes, given " + std::to_string(request.data.size()));
  }
  SealBlob blob;
  blob.selection = ToSelection(request.selection);
  bool has_auth = !TrimAuth(request.auth).empty();
  bool has_pcrs = CountPcrs(blob.selection) != 0;
  if (!has_pcrs) blob.selection.items.clear();
  Digest policy;
  if (has_pcrs) {
    blob.policy_auth_value = has_auth;
    crypto::PolicyDigest digest(AlgId::kSha256);
    PcrReading pcrs = ReadPcrs(client, blob.selection);
    digest.Pcr(blob.selection, crypto::Digest(AlgId::kSha256, {pcrs.concatenated}));
    if (has_auth) digest.AuthValue();
    policy = digest.value();
  }
  CreateResponse created = CreateUnderParent(
      client, options, templates::SealedObject(policy, has_auth), request.auth, request.data);
  blob.object = {ToBytes(created.out_public, "TPM2B_PUBLIC"),
                 ToBytes(created.out_private, "TPM2B_PRIVATE")};
  return EncodeSealBlob(blob);
}

SecretBytes Run(Client& client, const CallOptions& options, const op::UnsealOp& request) {
  SealBlob blob = DecodeSealBlob(request.blob);
  bool by_policy = !blob.selection.items.empty();
  auto needs = by_policy ? Client::Needs::kPolicySession : Client::Needs::kEncryptingSession;
  return client.WithObject(blob.object, options, needs, [&](const LoadedObject& item) {
    if (by_policy) {
      return UnsealWithPolicy(client, options, item, blob, request.auth);
    }
    Authorization authorization = client.Authorize(request.auth, options, true);
    Unseal command;
    command.item_handle = item.entity;
    return client.Run(command, {&authorization, 1}).out_data.Take();
  });
}

}  // namespace tpm2

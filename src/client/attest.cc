// Attestation keys, quotes and credential activation: with keys under the storage parent, and with
// those that Windows' Platform Crypto Provider keeps.
#include "tpm2/commands/attest.h"

#include <functional>

#include "client/ek.h"
#include "client/keys.h"
#include "client/pcr.h"
#include "client/templates.h"
#include "codec/names.h"
#include "crypto/key_convert.h"
#include "pcp/provider.h"
#include "tpm2/client.h"
#include "tpm2/commands/object.h"
#include "tpm2/operations/attest.h"

namespace tpm2 {
namespace {

const QuoteInfo& QuoteOf(const Attest& attest) {
  const QuoteInfo* info = attest.attested.get_if<StructureTag::kAttestQuote>();
  if (info == nullptr) throw Error(ErrorCode::kIntegrity, "TPM2_Quote: the answer is not a quote");
  return *info;
}

op::QuoteResult ToResult(const QuoteResponse& response, const Public& area) {
  op::QuoteResult result;
  result.message = response.quoted.octets();
  EccCurve curve = area.ecc() != nullptr ? area.ecc()->curve : EccCurve::kNone;
  result.signature = crypto::RawSignature(response.signature, curve);
  result.signature_tpmt = ToBytes(response.signature, "TPMT_SIGNATURE");
  result.scheme = AlgorithmName(response.signature.scheme);
  result.hash = AlgorithmName(crypto::SignatureHash(response.signature));
  return result;
}

// What activateCredential() was given, with size prefixes taken off where there are such.
struct Credential {
  IdObject id_object;
  EncryptedSecret secret;
  EkType ek_type = EkType::kRsa;
};

bool IsPrefixed(ByteView bytes) {
  return bytes.size() >= 2 && (static_cast<size_t>(bytes[0]) << 8 | bytes[1]) == bytes.size() - 2;
}
bool IsPoint(ByteView bytes) {
  Reader reader(bytes);
  EccPoint point;
  Unmarshal(reader, point);
  return reader.ok() && reader.remaining() == 0;
}
bool IsRsaSeed(ByteView bytes) {
  return bytes.size() >= 128 && bytes.size() <= 512 && bytes.size() % 64 == 0;
}

// A seed may have the form of both kinds, so this asks whether it has that of one.
void RequireFor(EkType type, ByteView seed) {
  const bool rsa = type == EkType::kRsa;
  if (rsa ? IsRsaSeed(seed) : IsPoint(seed)) return;
  throw Error(ErrorCode::kInvalidArgument,
              std::string("ek: it is an ") + (rsa ? "RSA" : "elliptic-curve") +
                  " key, and secret is a seed encrypted to " +
                  (rsa ? "an elliptic-curve key" : "an RSA key"),
              "Leave ek out, or name the one that the credential was made for.");
}

// A bare seed is tried first: a random RSA seed may begin like a size. Part 2 11.4.3.
Credential ParseCredential(const op::ActivateCredentialOp& request) {
  Credential credential;
  ByteView blob = request.credential_blob;
  if (IsPrefixed(blob)) blob = blob.subspan(2);
  ByteView seed = request.secret;
  if (!IsPoint(seed) && !IsRsaSeed(seed) && IsPrefixed(seed)) seed = seed.subspan(2);
  if (!IsPoint(seed) && !IsRsaSeed(seed)) {
    throw Error(ErrorCode::kInvalidArgument,
                "secret: neither a seed encrypted to an RSA key nor to an elliptic-curve key");
  }
  try {
    credential.id_object = FromBytes<IdObject>(blob, "credentialBlob");
  } catch (Error& error) {
    error.code = ErrorCode::kInvalidArgument;
    throw;
  }
  if (DigestSizeOf(AlgId::kSha1) > credential.id_object.integrity_hmac.size() ||
      credential.id_object.enc_identity.size() < 3) {
    throw Error(ErrorCode::kInvalidArgument, "credentialBlob: not a TPMS_ID_OBJECT");
  }
  credential.secret = seed;
  credential.ek_type = IsPoint(seed) ? EkType::kEcc : EkType::kRsa;
  if (request.ek_type) {
    credential.ek_type = *request.ek_type == "rsa" ? EkType::kRsa : EkType::kEcc;
    RequireFor(credential.ek_type, seed);
  }
  return credential;
}

// A key without a scheme of its own quotes as an attestation key would.
Scheme SchemeFor(const Public& area) {
  if (area.scheme().scheme != AlgId::kNull) return Scheme::Null();
  if (area.rsa() != nullptr) return Scheme::RsaSsa(AlgId::kSha256);
  return area.ecc() != nullptr ? Scheme::Ecdsa(AlgId::kSha256) : Scheme::Null();
}

// One quote by a key that `executor` knows. PCRs are read on the client's own way to the TPM.
op::QuoteResult QuoteBy(Client& client, Executor& executor, const LoadedObject& ak,
                        const op::QuoteOp& request) {
  const PcrSelectionList selection = ToSelection(request.selection);
  Quote command;
  command.sign_handle = ak.entity;
  command.qualifying_data = request.qualifying_data;
  command.pcr_select = selection;
  command.in_scheme = SchemeFor(ak.area);
  // A measurement between the reading and the quote makes the two differ: then both are made
  // again.
  constexpr int kTries = 5;
  for (int attempt = 1;; ++attempt) {
    std::optional<PcrReading> pcrs;
    if (request.include_pcrs) pcrs = ReadPcrs(client, selection);
    QuoteResponse response = executor.Run(command);
    const Attest attest = FromBytes<Attest>(response.quoted, "TPMS_ATTEST");
    const QuoteInfo& info = QuoteOf(attest);
    RequireAll(selection, info.pcr_select);
    op::QuoteResult result = ToResult(response, ak.area);
    if (!pcrs) return result;
    AlgId hash = crypto::SignatureHash(response.signature);
    if (crypto::Digest(hash, {pcrs->concatenated}) == info.pcr_digest.octets()) {
      result.pcrs = std::move(pcrs->values);
      return result;
    }
    if (attempt == kTries) {
      throw Error(ErrorCode::kIntegrity, "the PCRs that were read are not those in the quote",
                  "They changed each time, or the reading was altered on its way.");
    }
  }
}

// --- Keys of the Platform Crypto Provider
// ---------------------------------------------------------

// The provider's key that a blob names, with a way to ask its TPM.
class ProviderKey {
 public:
  ProviderKey(Client& client, const ObjectBlob& blob) : blob_(pcp::Decode(blob.public_area)) {
    if (!pcp::Serves(client.traits())) {
      throw Error(ErrorCode::kNotSupported,
                  "this attestation key is in Windows' Platform Crypto Provider, to which " +
                      client.traits().description + " does not lead",
                  "Use it on the Windows machine that made it, and there without a tcti. Verifying "
                  "its quotes works anywhere.");
    }
    key_ = pcp::Open(blob_);
    way_.emplace(client, key_->transport());
    // A key of the same name that somebody has put in its place would quote just as well.
    ReadPublic command;
    command.object_handle = Entity{key_->handle(), Name()};
    object_.area = *way_->executor().Run(command).out_public;
    if (ToBytes(object_.area, "TPMT_PUBLIC") != blob_.public_area) {
      throw Error(ErrorCode::kIntegrity,
                  "the Platform Crypto Provider's key of this name is not the one in the blob",
                  "It was replaced: find out by whom, then provision and enrol again.");
    }
    object_.entity = {key_->handle(), crypto::NameOf(object_.area)};
  }

  const LoadedObject& object() const { return object_; }
  Executor& executor() { return way_->executor(); }
  // The provider's own business: a cancellation must not hit commands that it sends itself.
  SecretBytes Activate(ByteView activation) {
    way_.reset();
    return key_->Activate(activation);
  }

 private:
  pcp::KeyBlob blob_;
  std::unique_ptr<pcp::IdentityKey> key_;
  std::optional<SideWay> way_;  // ends before the key, and with it before Windows' context
  LoadedObject object_;
};

op::CreatedKey ProvisionByProvider(Client& client, const op::ProvisionAk& request) {
  const bool machine = request.scope == "machine";
  const pcp::KeyBlob blob =
      pcp::Provision({request.algorithm == "rsa", pcp::ChooseKeyName(request.key_name, machine),
                      machine, request.overwrite},
                     [&client] { client.Checkpoint(); });
  const Public area = pcp::PublicAreaOf(blob);
  op::CreatedKey created;
  created.blob.public_area = pcp::Encode(blob);
  created.public_key_der = crypto::EncodeSpki(crypto::PublicKeyOf(area));
  created.name = ToBuffer(crypto::NameOf(area).view());
  return created;
}

// The Platform Crypto Provider has one endorsement key to activate with, which is RSA.
[[noreturn]] void RefuseOtherEk(const char* what) {
  throw Error(ErrorCode::kNotSupported,
              std::string(what) +
                  ": the Platform Crypto Provider activates with Windows' own endorsement key only",
              "Leave ek out, and make the credential for tpm.attest.ek({ type: 'rsa' }).");
}

SecretBytes ActivateByProvider(Client& client, const op::ActivateCredentialOp& request,
                               const Credential& credential) {
  if (!IsRsaSeed(credential.secret.view())) {
    RefuseOtherEk("secret");
  }
  ProviderKey key(client, request.blob);
  Sized<IdObject> id_object{credential.id_object};
  Buffer activation = ToBytes(id_object, "TPM2B_ID_OBJECT");
  const Buffer secret = ToBytes(credential.secret, "TPM2B_ENCRYPTED_SECRET");
  activation.insert(activation.end(), secret.begin(), secret.end());
  return key.Activate(activation);
}

}  // namespace

op::CreatedKey Run(Client& client, const CallOptions& options, const op::ProvisionAk& request) {
  if (pcp::Serves(client.traits())) return ProvisionByProvider(client, request);
  Public area = templates::AttestationKey(request.algorithm == "rsa");
  return ToCreatedKey(CreateUnderParent(client, options, area, {}, {}));
}

op::QuoteResult Run(Client& client, const CallOptions& options, const op::QuoteOp& request) {
  if (pcp::IsKeyBlob(request.blob.public_area)) {
    ProviderKey key(client, request.blob);
    return QuoteBy(client, key.executor(), key.object(), request);
  }
  return client.WithObject(
      request.blob, options, Client::Needs::kNothing,
      [&](const LoadedObject& ak) { return QuoteBy(client, client.executor(), ak, request); });
}

SecretBytes Run(Client& client, const CallOptions& options,
                const op::ActivateCredentialOp& request) {
  const bool by_provider = pcp::IsKeyBlob(request.blob.public_area);
  if (by_provider && (request.ek_handle || request.ek_type == "ecc")) RefuseOtherEk("ek");
  Credential credential = ParseCredential(request);
  if (by_provider) return ActivateByProvider(client, request, credential);
  return client.WithObject(
      request.blob, options, Client::Needs::kNothing, [&](const LoadedObject& ak) {
        LoadedObject key = ak;  // making the EK may move what is kept
        std::optional<EndorsementKey> ek;
        if (request.ek_handle) {
          ek.emplace(client, *request.ek_handle);
          RequireFor(ek->object().area.rsa() != nullptr ? EkType::kRsa : EkType::kEcc,
                     credential.secret);
        } else {
          ek.emplace(client, options, credential.ek_type);
        }
        return WithEkAuthorization(client, options, *ek,
                                   [&](const Authorization& ek_authorization) {
                                     ActivateCredential command;
                                     command.activate_handle = key.entity;
                                     command.key_handle = ek->object().entity;
                                     *command.credential_blob = credential.id_object;
                                     command.secret = credential.secret;
                                     Authorization both[] = {Authorization{}, ek_authorization};
                                     return client.Run(command, both).cert_info.Take();
                                   });
      });
}

}  // namespace tpm2

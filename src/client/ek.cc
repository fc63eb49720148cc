#include "client/ek.h"

#include "client/capability.h"
#include "client/keys.h"
#include "client/nv.h"
#include "client/templates.h"
#include "crypto/key_convert.h"
#include "pcp/provider.h"
#include "tpm2/commands/object.h"
#include "tpm2/commands/session.h"
#include "tpm2/operations/attest.h"

namespace tpm2 {
namespace {

// TCG EK Credential Profile: persistent EKs, and the NV indices whose content fills `unique`.
constexpr uint32_t kFirstEk = 0x81010000;
constexpr uint32_t kLastEk = 0x8101ffff;
constexpr uint32_t kNonceRsa = 0x01c00003;
constexpr uint32_t kTemplateRsa = 0x01c00004;
constexpr uint32_t kNonceEcc = 0x01c0000b;
constexpr uint32_t kTemplateEcc = 0x01c0000c;

Buffer PaddedRight(ByteView bytes, size_t size) {
  Buffer padded = ToBuffer(bytes.first(std::min(bytes.size(), size)));
  padded.resize(size, 0);
  return padded;
}

// The template that the manufacturer made the EK from: its own in NV, else the standard one with
// the nonce from NV where there is such.
Public TemplateOf(Client& client, const CallOptions& options, EkType type) {
  bool rsa = type == EkType::kRsa;
  if (auto own = ReadPublicIndex(client, options, rsa ? kTemplateRsa : kTemplateEcc)) {
    return FromBytes<Public>(*own, "EK template in NV");
  }
  Public area = rsa ? templates::EndorsementKeyRsa() : templates::EndorsementKeyEcc();
  if (auto nonce = ReadPublicIndex(client, options, rsa ? kNonceRsa : kNonceEcc)) {
    if (rsa) {
      *area.unique.get_if<AlgId::kRsa>() = RsaModulus(PaddedRight(*nonce, 256));
    } else {
      EccPoint& point = *area.unique.get_if<AlgId::kEcc>();
      point.x = EccParameter(PaddedRight(*nonce, 32));
    }
  }
  return area;
}

// False when the key is not of the kind that the area describes.
bool SetKey(Public& area, const crypto::PublicKey& key) {
  if (const auto* rsa = std::get_if<crypto::RsaPublicKey>(&key)) {
    RsaParms* parms = area.parameters.get_if<AlgId::kRsa>();
    if (parms == nullptr || parms->key_bits != 8 * rsa->modulus.size()) return false;
    parms->exponent = rsa->exponent == 65537 ? 0 : rsa->exponent;  // Part 2 12.2.3.5
    *area.unique.get_if<AlgId::kRsa>() = RsaModulus(rsa->modulus);
    return true;
  }
  const auto& ecc = std::get<crypto::EccPublicKey>(key);
  if (area.ecc() == nullptr || area.ecc()->curve != ecc.curve) return false;
  EccPoint& point = *area.unique.get_if<AlgId::kEcc>();
  point.x = EccParameter(ecc.x);
  point.y = EccParameter(ecc.y);
  return true;
}

bool HoldsKey(const Public& area, const crypto::PublicKey& key) {
  if (area.rsa() == nullptr && area.ecc() == nullptr) return false;
  return crypto::EncodeSpki(crypto::PublicKeyOf(area)) == crypto::EncodeSpki(key);
}

// The key by which Windows activates credentials, which need not be the one that we would find or
// make: persistent, or with handle 0 its public part alone. Nothing where Windows names none.
std::optional<LoadedObject> NamedByWindows(Client& client, const CallOptions& options,
                                           EkType type) {
  if (!pcp::Serves(client.traits())) return std::nullopt;
  const auto named = pcp::EndorsementKey(type == EkType::kRsa);
  if (!named) return std::nullopt;
  for (uint32_t handle : ReadHandles(client, kFirstEk)) {
    if (handle > kLastEk) continue;
    LoadedObject key = ReadKey(client, handle);
    if (HoldsKey(key.area, *named)) return key;
  }
  Public area = TemplateOf(client, options, type);
  if (!SetKey(area, *named)) return std::nullopt;
  const Name name = crypto::NameOf(area);
  return LoadedObject{{0, name}, std::move(area)};
}

}  // namespace

bool EndorsementKey::Find(Client& client, std::span<const Public> wanted) {
  for (uint32_t handle : ReadHandles(client, kFirstEk)) {
    if (handle > kLastEk) continue;
    object_ = ReadKey(client, handle);
    for (const Public& area : wanted) {
      if (templates::SameTemplate(object_.area, area)) return true;
    }
  }
  return false;
}

void EndorsementKey::Create(Client& client, const CallOptions& options, Public area) {
  client.MakeRoomBesideLast();
  CreatePrimary command;
  command.primary_handle = Entity::Of(rh::kEndorsement);
  *command.in_public = std::move(area);
  Authorization authorization = client.AuthorizeHierarchy(options.endorsement_auth, options);
  CreatePrimaryResponse created = client.Run(command, {&authorization, 1});
  transient_.emplace(client, created.object_handle.value);
  Name name = crypto::NameOf(*created.out_public);
  if (!(name == Name(created.name.view()))) {
    throw Error(ErrorCode::kIntegrity, "TPM2_CreatePrimary: the answer is not the key asked for");
  }
  object_ = {{created.object_handle.value, name}, std::move(*created.out_public)};
}

EndorsementKey::EndorsementKey(Client& client, uint32_t persistent_handle)
    : object_(ReadKey(client, persistent_handle)) {}

EndorsementKey::EndorsementKey(Client& client, const CallOptions& options) {
  const Public wanted[] = {templates::EndorsementKeyEcc(), templates::EndorsementKeyRsa()};
  if (!Find(client, wanted)) Create(client, options, wanted[0]);
}

EndorsementKey::EndorsementKey(Client& client, const CallOptions& options, EkType type) {
  const Public wanted =
      type == EkType::kRsa ? templates::EndorsementKeyRsa() : templates::EndorsementKeyEcc();
  if (!Find(client, {&wanted, 1})) Create(client, options, TemplateOf(client, options, type));
}

op::EkResult Run(Client& client, const CallOptions& options, const op::Ek& request) {
  return client.Retrying([&] {
    const EkType type = request.type == "rsa" ? EkType::kRsa : EkType::kEcc;
    // Making the key takes a command that Windows may block.
    const std::optional<LoadedObject> named = NamedByWindows(client, options, type);
    std::optional<EndorsementKey> ek;
    if (!named) ek.emplace(client, options, type);
    const LoadedObject& key = named ? *named : ek->object();
    op::EkResult result;
    result.type = request.type;
    if (TypeOf(key.entity.handle) == HandleType::kPersistent) result.handle = key.entity.handle;
    result.name = ToBuffer(key.entity.name.view());
    Sized<Public> area{key.area};
    result.public_area = ToBytes(area, "TPM2B_PUBLIC");
    result.public_key_der = crypto::EncodeSpki(crypto::PublicKeyOf(key.area));
    return result;
  });
}

SecretBytes WithEkAuthorization(Client& client, const CallOptions& options,
                                const EndorsementKey& ek,
                                const std::function<SecretBytes(const Authorization&)>& use) {
  const LoadedObject& key = ek.object();
  bool by_auth = Has(key.area.attributes, ObjectAttributes::kUserWithAuth);
  SessionOptions wanted;
  wanted.type = by_auth ? SessionType::kHmac : SessionType::kPolicy;
  wanted.hash = by_auth ? AlgId::kSha256 : key.area.name_alg;
  if (options.encrypt) {
    wanted.salt_key = &key.entity;
    wanted.salt_public = &key.area;
  } else {
    wanted.aes_bits = 0;
  }
  client.DropPolicySession();  // three session slots: this one, the kept one, and one to spare
  std::unique_ptr<Session> session = StartSession(client.executor(), wanted);
  ScopedObject flush(client, session->handle());
  if (!by_auth) {
    PolicySecret command;
    command.auth_handle = Entity::Of(rh::kEndorsement);
    command.policy_session = Entity::Of(session->handle());
    command.nonce_tpm = Nonce(session->nonce_tpm().view());
    Authorization endorsement = client.AuthorizeHierarchy(options.endorsement_auth, options);
    client.Run(command, {&endorsement, 1});
  }
  return use(Authorization{session.get(), {}, session->can_encrypt(), true});
}

}  // namespace tpm2

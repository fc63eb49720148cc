// makeCredential and parseCredential: credential protection, TPM 2.0 Part 1, 24.
#include <algorithm>
#include <array>

#include "crypto/key_convert.h"
#include "tpm2/operations/verify.h"
#include "verifier/argument.h"
#include "verifier/records.h"

namespace tpm2 {
namespace verifier {
namespace {

constexpr char kEkPublic[] = "ekPublic";

// What the TCG EK Credential Profile says about a key that comes without its public area.
struct Profile {
  AlgId name_alg;
  uint16_t aes_bits;
};
Profile ProfileOf(const crypto::RsaPublicKey& key) {
  if (key.modulus.size() * 8 < 3072) return {AlgId::kSha256, 128};
  return {AlgId::kSha384, 256};
}
Profile ProfileOf(const crypto::EccPublicKey& key) {
  switch (key.curve) {
    case EccCurve::kNistP384:
      return {AlgId::kSha384, 256};
    case EccCurve::kNistP521:
      return {AlgId::kSha512, 256};
    default:
      return {AlgId::kSha256, 128};
  }
}

Public StorageArea(const crypto::PublicKey& key) {
  Public area;
  area.attributes = ObjectAttributes::kRestricted | ObjectAttributes::kDecrypt;
  if (const auto* rsa = std::get_if<crypto::RsaPublicKey>(&key)) {
    const Profile profile = ProfileOf(*rsa);
    area.type = AlgId::kRsa;
    area.name_alg = profile.name_alg;
    RsaParms& parms = area.parameters.emplace<AlgId::kRsa>();
    parms.symmetric = SymDef::AesCfb(profile.aes_bits);
    parms.key_bits = static_cast<uint16_t>(rsa->modulus.size() * 8);
    parms.exponent = rsa->exponent;
    area.unique.emplace<AlgId::kRsa>() = rsa->modulus;
    return area;
  }
  const auto& ecc = std::get<crypto::EccPublicKey>(key);
  const Profile profile = ProfileOf(ecc);
  area.type = AlgId::kEcc;
  area.name_alg = profile.name_alg;
  EccParms& parms = area.parameters.emplace<AlgId::kEcc>();
  parms.symmetric = SymDef::AesCfb(profile.aes_bits);
  parms.curve = ecc.curve;
  area.unique.emplace<AlgId::kEcc>() = EccPoint{ecc.x, ecc.y};
  return area;
}

const SymDef& SymmetricOf(const Public& area) {
  if (area.rsa() != nullptr) return area.rsa()->symmetric;
  if (area.ecc() != nullptr) return area.ecc()->symmetric;
  BadArgument(kEkPublic, "expected an RSA or an elliptic-curve key");
}

// Refuses what is no restricted decryption key: only for those does TPM2_ActivateCredential give
// the secret to nobody but the holder of the named object.
void RequireStorageKey(const Public& area) {
  const SymDef& symmetric = SymmetricOf(area);
  if (!Has(area.attributes, ObjectAttributes::kRestricted | ObjectAttributes::kDecrypt) ||
      Has(area.attributes, ObjectAttributes::kSign)) {
    BadArgument(kEkPublic, "expected a restricted decryption key, which an EK is");
  }
  const bool aes_cfb =
      symmetric.algorithm == AlgId::kAes && symmetric.mode == AlgId::kCfb &&
      (symmetric.key_bits == 128 || symmetric.key_bits == 192 || symmetric.key_bits == 256);
  if (!aes_cfb || crypto::DigestSize(area.name_alg) == 0) {
    BadArgument(kEkPublic, "its algorithms are not supported: expected AES in CFB mode and SHA-2");
  }
}

Public ReadEk(ByteView bytes) {
  if (bytes.empty()) BadArgument(kEkPublic, "it is empty");
  // A public area begins with its type or with its size, DER with 30, PEM with a letter or a dash.
  constexpr uint8_t kLastFirstOctet = 0x02;
  if (bytes.front() > kLastFirstOctet) {
    return ReadArgument(kEkPublic, [&] { return StorageArea(crypto::DecodePublicKey(bytes)); });
  }
  Public area = ReadPublicArea(kEkPublic, bytes);
  RequireStorageKey(area);
  return area;
}

Buffer ReadName(ByteView bytes) {
  const ByteView name = WithoutSize(bytes);
  const AlgId hash = name.size() < 2 ? AlgId::kNull : static_cast<AlgId>(name[0] << 8 | name[1]);
  if (DigestSizeOf(hash) == 0 || name.size() != 2 + DigestSizeOf(hash)) {
    BadArgument("akName", "expected an object's Name: its name algorithm and a digest",
                "Use the attestation key's `name` (34 bytes with SHA-256).");
  }
  return ToBuffer(name);
}

SecretBytes Encrypt(const Public& ek, ByteView seed, ByteView name, ByteView secret) {
  const SecretBytes key =
      crypto::KdfA(ek.name_alg, seed, "STORAGE", name, {}, SymmetricOf(ek).key_bits);
  SecretBytes identity = {static_cast<uint8_t>(secret.size() >> 8),
                          static_cast<uint8_t>(secret.size())};
  identity.insert(identity.end(), secret.begin(), secret.end());
  constexpr std::array<uint8_t, 16> kZeroIv{};
  crypto::AesCfbEncrypt(key, kZeroIv, identity);
  return identity;
}

}  // namespace
}  // namespace verifier

op::Credential Run(const op::MakeCredential& request) {
  using namespace verifier;
  const Public ek = ReadEk(request.ek_public);
  const Buffer name = ReadName(request.ak_name);
  const size_t longest = crypto::DigestSize(ek.name_alg);
  if (request.secret.empty() || request.secret.size() > longest) {
    BadArgument("secret", "expected 1 to " + std::to_string(longest) + " bytes for this EK");
  }
  crypto::SharedSecret seed =
      ReadArgument(kEkPublic, [&] { return crypto::ShareSecret(ek, "IDENTITY"); });
  const SecretBytes encrypted = Encrypt(ek, seed.secret, name, request.secret);
  const SecretBytes hmac_key = crypto::KdfA(ek.name_alg, seed.secret, "INTEGRITY", {}, {},
                                            static_cast<uint32_t>(longest * 8));
  IdObject object;
  const SecretBytes integrity = crypto::Hmac(ek.name_alg, hmac_key, {encrypted, name});
  object.integrity_hmac = ByteView(integrity);
  object.enc_identity = ToBuffer(encrypted);
  return {ToBytes(object, "TPMS_ID_OBJECT"), std::move(seed.encrypted.octets())};
}

op::Credential Run(const op::ParseCredential& request) {
  using namespace verifier;
  constexpr uint32_t kMagic = 0xbadcc0de;  // of tpm2-tools; no TPM2B_ID_OBJECT is so long
  constexpr uint32_t kVersion = 1;
  return ReadArgument("credential", [&] {
    Reader reader(request.credential);
    Reader header(request.credential);
    if (header.Integer<uint32_t>() == kMagic) {
      reader.Raw(8);
      if (header.Integer<uint32_t>() != kVersion) reader.Fail(CodecFault::kBadValue);
    }
    Sized<IdObject> object;
    EncryptedSecret secret;
    reader.Enter("credentialBlob");
    Unmarshal(reader, object);
    reader.Leave();
    reader.Enter("secret");
    Unmarshal(reader, secret);
    reader.Leave();
    if (reader.ok()) reader.ExpectEnd();
    if (reader.ok() &&
        (object->integrity_hmac.empty() || object->enc_identity.empty() || secret.empty())) {
      reader.Fail(CodecFault::kBadValue);
    }
    if (!reader.ok()) ThrowCodecError("a credential", reader);
    return op::Credential{ToBytes(*object, "TPMS_ID_OBJECT"), std::move(secret.octets())};
  });
}

}  // namespace tpm2

#include "client/templates.h"

namespace tpm2::templates {
namespace {

using A = ObjectAttributes;

Public EccKey(A attributes, SymDef symmetric, Scheme scheme) {
  Public area;
  area.type = AlgId::kEcc;
  area.name_alg = AlgId::kSha256;
  area.attributes = attributes;
  EccParms& parms = area.parameters.emplace<AlgId::kEcc>();
  parms.symmetric = symmetric;
  parms.scheme = std::move(scheme);
  parms.curve = EccCurve::kNistP256;
  area.unique.emplace<AlgId::kEcc>();
  return area;
}

Public RsaKey(A attributes, SymDef symmetric, Scheme scheme) {
  Public area;
  area.type = AlgId::kRsa;
  area.name_alg = AlgId::kSha256;
  area.attributes = attributes;
  RsaParms& parms = area.parameters.emplace<AlgId::kRsa>();
  parms.symmetric = symmetric;
  parms.scheme = std::move(scheme);
  parms.key_bits = 2048;
  area.unique.emplace<AlgId::kRsa>();
  return area;
}

constexpr A kBound = A::kFixedTpm | A::kFixedParent;
constexpr A kMadeHere = kBound | A::kSensitiveDataOrigin;
// 0x300b2: the EK's use is authorised by its policy only.
constexpr A kEndorsement = kMadeHere | A::kAdminWithPolicy | A::kRestricted | A::kDecrypt;

// PolicySecret(TPM_RH_ENDORSEMENT), the policy of the low-range EK templates ("PolicyA").
const Digest& EndorsementPolicy() {
  // Never destroyed: the connection's thread may outlive the statics of a process that exits.
  static const auto* const kPolicy =
      new Digest{0x83, 0x71, 0x97, 0x67, 0x44, 0x84, 0xb3, 0xf8, 0x1a, 0x90, 0xcc,
                 0x8d, 0x46, 0xa5, 0xd7, 0x24, 0xfd, 0x52, 0xd7, 0x6e, 0x06, 0x52,
                 0x0b, 0x64, 0xf2, 0xa1, 0xda, 0x1b, 0x33, 0x14, 0x69, 0xaa};
  return *kPolicy;
}

}  // namespace

Public StorageParent() {
  return EccKey(kMadeHere | A::kUserWithAuth | A::kNoDa | A::kRestricted | A::kDecrypt,
                SymDef::AesCfb(128), Scheme::Null());
}

bool SameTemplate(const Public& area, const Public& wanted) {
  if (area.type != wanted.type) return false;
  Public bare = area;
  bare.unique = wanted.unique;
  return ToBytes(bare, "TPMT_PUBLIC") == ToBytes(wanted, "TPMT_PUBLIC");
}

bool IsStorageParent(const Public& area) { return SameTemplate(area, StorageParent()); }

Public EndorsementKeyRsa() {
  Public area = RsaKey(kEndorsement, SymDef::AesCfb(128), Scheme::Null());
  area.auth_policy = EndorsementPolicy();
  *area.unique.get_if<AlgId::kRsa>() = RsaModulus(Buffer(256, 0));
  return area;
}

Public EndorsementKeyEcc() {
  Public area = EccKey(kEndorsement, SymDef::AesCfb(128), Scheme::Null());
  area.auth_policy = EndorsementPolicy();
  EccPoint& point = *area.unique.get_if<AlgId::kEcc>();
  point.x = EccParameter(Buffer(32, 0));
  point.y = EccParameter(Buffer(32, 0));
  return area;
}

Public AttestationKey(bool rsa) {
  A attributes = kMadeHere | A::kUserWithAuth | A::kNoDa | A::kRestricted | A::kSign;
  return rsa ? RsaKey(attributes, SymDef(), Scheme::RsaSsa(AlgId::kSha256))
             : EccKey(attributes, SymDef(), Scheme::Ecdsa(AlgId::kSha256));
}

Public ApplicationKey(const KeyTemplate& wanted) {
  A attributes = kMadeHere | A::kUserWithAuth;
  // Without an auth value there is nothing to guess, and another key's lockout must not block it.
  if (!wanted.has_auth) attributes |= A::kNoDa;
  if (wanted.sign) attributes |= A::kSign;
  if (wanted.decrypt) attributes |= A::kDecrypt;
  return wanted.rsa ? RsaKey(attributes, SymDef(), wanted.scheme)
                    : EccKey(attributes, SymDef(), wanted.scheme);
}

Public SealedObject(const Digest& policy, bool has_auth) {
  Public area;
  area.type = AlgId::kKeyedHash;
  area.name_alg = AlgId::kSha256;
  area.attributes = kBound;
  if (policy.empty()) area.attributes |= A::kUserWithAuth;
  if (!has_auth) area.attributes |= A::kNoDa;
  area.auth_policy = policy;
  area.parameters.emplace<AlgId::kKeyedHash>();
  area.unique.emplace<AlgId::kKeyedHash>();
  return area;
}

}  // namespace tpm2::templates

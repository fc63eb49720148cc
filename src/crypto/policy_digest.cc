#include "crypto/policy_digest.h"

namespace tpm2::crypto {
namespace {

std::array<uint8_t, 4> Octets(CommandCode code) {
  std::array<uint8_t, 4> octets{};
  Writer writer{MutableBytes(octets)};
  Marshal(writer, code);
  return octets;
}

}  // namespace

PolicyDigest::PolicyDigest(AlgId hash) : hash_(hash), digest_(DigestSizeOf(hash), 0) {}

PolicyDigest& PolicyDigest::Pcr(const PcrSelectionList& selection, ByteView pcr_digest) {
  Buffer pcrs = ToBytes(selection, "TPML_PCR_SELECTION");
  digest_ = Digest(hash_, {digest_, Octets(CommandCode::kPolicyPcr), pcrs, pcr_digest});
  return *this;
}

PolicyDigest& PolicyDigest::AuthValue() {
  digest_ = Digest(hash_, {digest_, Octets(CommandCode::kPolicyAuthValue)});
  return *this;
}

PolicyDigest& PolicyDigest::CommandCodeIs(CommandCode code) {
  digest_ = Digest(hash_, {digest_, Octets(CommandCode::kPolicyCommandCode), Octets(code)});
  return *this;
}

PolicyDigest& PolicyDigest::SecretOf(const Name& entity) {
  digest_ = Digest(hash_, {digest_, Octets(CommandCode::kPolicySecret), entity.view()});
  // The policyRef is extended even when it is empty (Part 3 23.2.3).
  digest_ = Digest(hash_, {digest_});
  return *this;
}

PolicyDigest& PolicyDigest::Or(const std::vector<tpm2::Digest>& branches) {
  Buffer all;
  for (const tpm2::Digest& branch : branches) {
    all.insert(all.end(), branch.octets().begin(), branch.octets().end());
  }
  Buffer zeros(DigestSizeOf(hash_), 0);
  digest_ = Digest(hash_, {zeros, Octets(CommandCode::kPolicyOr), all});
  return *this;
}

}  // namespace tpm2::crypto

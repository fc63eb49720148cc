// For the verifier's tests: a key that signs whatever it is given, and a quote for it to sign.
#ifndef TPM2_TEST_UNIT_VERIFIER_SUPPORT_H_
#define TPM2_TEST_UNIT_VERIFIER_SUPPORT_H_

#include <openssl/ec.h>

#include <memory>

#include "crypto/key_convert.h"
#include "crypto_keys.h"
#include "tpm2/operations/verify.h"
#include "tpm2/structures/attest.h"

namespace tpm2 {

using crypto::ExpectError;
using crypto::Hex;
using crypto::Join;
using crypto::Text;

// The name Run() is taken inside a TEST().
template <typename Operation>
typename Operation::Result Perform(const Operation& request) {
  return Run(request);
}

inline constexpr ObjectAttributes kAkAttributes =
    ObjectAttributes::kFixedTpm | ObjectAttributes::kFixedParent |
    ObjectAttributes::kSensitiveDataOrigin | ObjectAttributes::kUserWithAuth |
    ObjectAttributes::kRestricted | ObjectAttributes::kSign;

inline Buffer Sized16(const Buffer& bytes) {
  return Join(
      {{static_cast<uint8_t>(bytes.size() >> 8), static_cast<uint8_t>(bytes.size())}, bytes});
}
inline Buffer Prefix(const Buffer& bytes, size_t size) {
  return Buffer(bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(size));
}

// A P-256 key that signs whatever it is given.
struct SoftwareAk {
  std::shared_ptr<EVP_PKEY> key;
  Public area;

  explicit SoftwareAk(ObjectAttributes attributes = kAkAttributes,
                      Scheme scheme = Scheme::Ecdsa(AlgId::kSha256))
      : key(EVP_EC_gen("P-256"), EVP_PKEY_free) {
    area.type = AlgId::kEcc;
    area.name_alg = AlgId::kSha256;
    area.attributes = attributes;
    EccParms& parms = area.parameters.emplace<AlgId::kEcc>();
    parms.scheme = std::move(scheme);
    parms.curve = EccCurve::kNistP256;
    area.unique.emplace<AlgId::kEcc>() = {Coordinate(OSSL_PKEY_PARAM_EC_PUB_X),
                                          Coordinate(OSSL_PKEY_PARAM_EC_PUB_Y)};
  }
  Buffer Coordinate(const char* name) const {
    BIGNUM* number = nullptr;
    EVP_PKEY_get_bn_param(key.get(), name, &number);
    Buffer out(32);
    BN_bn2binpad(number, out.data(), 32);
    BN_free(number);
    return out;
  }
  Buffer SignDer(const Buffer& message, const EVP_MD* hash = EVP_sha256()) const {
    const std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> context(EVP_MD_CTX_new(),
                                                                          EVP_MD_CTX_free);
    EVP_DigestSignInit(context.get(), nullptr, hash, nullptr, key.get());
    Buffer out(128);
    size_t size = out.size();
    if (EVP_DigestSign(context.get(), out.data(), &size, message.data(), message.size()) != 1) {
      throw std::runtime_error("libcrypto did not sign");
    }
    out.resize(size);
    return out;
  }
  Buffer SignRaw(const Buffer& message) const {
    return crypto::EcdsaDerToP1363(EccCurve::kNistP256, SignDer(message));
  }
  Buffer SignTpmt(const Buffer& message, const EVP_MD* md = EVP_sha256(),
                  AlgId hash = AlgId::kSha256) const {
    const Buffer raw = crypto::EcdsaDerToP1363(EccCurve::kNistP256, SignDer(message, md));
    Signature signature;
    signature.scheme = AlgId::kEcdsa;
    signature.value.emplace<AlgId::kEcdsa>() = {hash, ByteView(raw).first(32),
                                                ByteView(raw).subspan(32)};
    return ToBytes(signature);
  }
  Buffer Spki() const { return crypto::EncodeSpki(crypto::PublicKeyOf(area)); }
  Buffer PublicBytes() const { return ToBytes(Sized<Public>{area}); }
};

inline const Buffer kPcr0(32, 0x11), kPcr7(32, 0x77), kPcr16(20, 0x16);

// Quotes sha256:0,7 and sha1:16.
inline Attest QuoteAttest(AlgId hash = AlgId::kSha256) {
  Attest attest;
  attest.magic = kTpmGenerated;
  attest.type = StructureTag::kAttestQuote;
  attest.qualified_signer = Buffer(34, 0xab);
  attest.extra_data = Text("nonce");
  attest.clock_info = {5000, 7, 3, true};
  attest.firmware_version = 0xfedcba9876543210;
  QuoteInfo& info = attest.attested.emplace<StructureTag::kAttestQuote>();
  PcrSelection& first = info.pcr_select.items.emplace_back();
  first.hash = AlgId::kSha256;
  first.Add(0);
  first.Add(7);
  PcrSelection& second = info.pcr_select.items.emplace_back();
  second.hash = AlgId::kSha1;
  second.Add(16);
  info.pcr_digest = crypto::Digest(hash, {kPcr0, kPcr7, kPcr16});
  return attest;
}

}  // namespace tpm2

#endif  // TPM2_TEST_UNIT_VERIFIER_SUPPORT_H_

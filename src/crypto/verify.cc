#include <openssl/core_names.h>
#include <openssl/err.h>

#include <climits>

#include "crypto/openssl.h"

namespace tpm2::crypto {
namespace {

EcdsaSignature ParseP1363(const Curve& curve, ByteView octets) {
  if (octets.size() != 2 * curve.field_size) return nullptr;
  EcdsaSignature signature(ECDSA_SIG_new());
  BigNumber r = FromBigEndian(octets.first(curve.field_size));
  BigNumber s = FromBigEndian(octets.subspan(curve.field_size));
  Require(signature != nullptr && ECDSA_SIG_set0(signature.get(), r.get(), s.get()) == 1,
          "no memory for a signature");
  static_cast<void>(r.release());
  static_cast<void>(s.release());
  return signature;
}

Buffer EncodeDer(const ECDSA_SIG& signature) {
  const int size = i2d_ECDSA_SIG(&signature, nullptr);
  Require(size > 0, "the signature could not be encoded");
  Buffer der(static_cast<size_t>(size));
  uint8_t* next = der.data();
  i2d_ECDSA_SIG(&signature, &next);
  return der;
}

bool Verify(EVP_PKEY* key, const OSSL_PARAM* params, ByteView digest, ByteView signature) {
  const KeyContext context(EVP_PKEY_CTX_new_from_pkey(GetLibrary().context, key, nullptr));
  Require(context != nullptr && EVP_PKEY_verify_init_ex(context.get(), params) == 1,
          "the verification could not be set up");
  const bool verified = EVP_PKEY_verify(context.get(), signature.data(), signature.size(),
                                        digest.data(), digest.size()) == 1;
  ERR_clear_error();
  return verified;
}

bool VerifyRsa(EVP_PKEY* key, AlgId scheme, const HashAlgorithm& hash, ByteView digest,
               ByteView signature) {
  char* name = const_cast<char*>(hash.name);
  const bool pss = scheme == AlgId::kRsaPss;
  const char* padding = pss ? OSSL_PKEY_RSA_PAD_MODE_PSS : OSSL_PKEY_RSA_PAD_MODE_PKCSV15;
  const OSSL_PARAM params[] = {
      OSSL_PARAM_construct_utf8_string(OSSL_SIGNATURE_PARAM_DIGEST, name, 0),
      OSSL_PARAM_construct_utf8_string(OSSL_SIGNATURE_PARAM_PAD_MODE, const_cast<char*>(padding),
                                       0),
      pss ? OSSL_PARAM_construct_utf8_string(OSSL_SIGNATURE_PARAM_MGF1_DIGEST, name, 0)
          : OSSL_PARAM_construct_end(),
      OSSL_PARAM_construct_utf8_string(OSSL_SIGNATURE_PARAM_PSS_SALTLEN,
                                       const_cast<char*>(OSSL_PKEY_RSA_PSS_SALT_LEN_AUTO), 0),
      OSSL_PARAM_construct_end()};
  return Verify(key, params, digest, signature);
}

}  // namespace

bool VerifyDigest(const PublicKey& key, AlgId scheme, AlgId hash_id, ByteView digest,
                  ByteView signature) {
  if (scheme != AlgId::kRsaSsa && scheme != AlgId::kRsaPss && scheme != AlgId::kEcdsa) {
    Fail(ErrorCode::kNotSupported, "signature scheme not supported");
  }
  const HashAlgorithm& hash = GetHash(hash_id);
  if (digest.size() != hash.size) BadArgument("the digest's length is not that of its hash");
  const KeyPtr imported = ImportPublicKey(key);
  const auto* ecc = std::get_if<EccPublicKey>(&key);
  if ((ecc != nullptr) != (scheme == AlgId::kEcdsa)) return false;
  if (ecc == nullptr) return VerifyRsa(imported.get(), scheme, hash, digest, signature);
  const EcdsaSignature parsed = ParseP1363(GetCurve(ecc->curve), signature);
  return parsed != nullptr && Verify(imported.get(), nullptr, digest, EncodeDer(*parsed));
}

Buffer EcdsaDerToP1363(EccCurve curve_id, ByteView der) {
  const Curve& curve = GetCurve(curve_id);
  GetLibrary();
  if (der.size() > INT_MAX) return {};
  const uint8_t* next = der.data();
  const EcdsaSignature signature(d2i_ECDSA_SIG(nullptr, &next, static_cast<long>(der.size())));
  ERR_clear_error();
  if (signature == nullptr || next != der.data() + der.size()) return {};
  const BIGNUM* r = ECDSA_SIG_get0_r(signature.get());
  const BIGNUM* s = ECDSA_SIG_get0_s(signature.get());
  const int size = static_cast<int>(curve.field_size);
  if (BN_num_bytes(r) > size || BN_num_bytes(s) > size) return {};
  Buffer out = ToBigEndian(r, curve.field_size);
  const Buffer tail = ToBigEndian(s, curve.field_size);
  out.insert(out.end(), tail.begin(), tail.end());
  return out;
}

}  // namespace tpm2::crypto

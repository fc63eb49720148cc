// Secret sharing, TPM 2.0 Part 1, B.10.4 (RSA) and C.6.1 (elliptic curves).
#include <openssl/core_names.h>
#include <openssl/rand.h>

#include <climits>

#include "crypto/openssl.h"

namespace tpm2::crypto {
namespace {

Buffer LabelWithZero(std::string_view label) {
  Buffer out(label.begin(), label.end());
  out.push_back(0);
  return out;
}

using InitFunction = int (*)(EVP_PKEY_CTX*, const OSSL_PARAM*);

KeyContext OaepContext(EVP_PKEY* key, AlgId hash_id, ByteView label, InitFunction init) {
  const HashAlgorithm& hash = GetHash(hash_id);
  char* name = const_cast<char*>(hash.name);
  const OSSL_PARAM params[] = {
      OSSL_PARAM_construct_utf8_string(OSSL_ASYM_CIPHER_PARAM_PAD_MODE,
                                       const_cast<char*>(OSSL_PKEY_RSA_PAD_MODE_OAEP), 0),
      OSSL_PARAM_construct_utf8_string(OSSL_ASYM_CIPHER_PARAM_OAEP_DIGEST, name, 0),
      OSSL_PARAM_construct_utf8_string(OSSL_ASYM_CIPHER_PARAM_MGF1_DIGEST, name, 0),
      label.empty()  // libcrypto refuses a null pointer
          ? OSSL_PARAM_construct_end()
          : OSSL_PARAM_construct_octet_string(OSSL_ASYM_CIPHER_PARAM_OAEP_LABEL,
                                              const_cast<uint8_t*>(label.data()), label.size()),
      OSSL_PARAM_construct_end()};
  KeyContext context(EVP_PKEY_CTX_new_from_pkey(GetLibrary().context, key, nullptr));
  Require(context != nullptr && init(context.get(), params) == 1, "RSA-OAEP could not be set up");
  return context;
}

KeyPtr ImportPrivateRsa(ByteView der) {
  const uint8_t* next = der.data();
  if (der.size() > INT_MAX) BadArgument("bad length of a private key");
  KeyPtr key(d2i_AutoPrivateKey_ex(nullptr, &next, static_cast<long>(der.size()),
                                   GetLibrary().context, nullptr));
  if (key == nullptr || next != der.data() + der.size() || !EVP_PKEY_is_a(key.get(), "RSA")) {
    BadArgument("not an RSA private key in PKCS#8 or PKCS#1 DER");
  }
  return key;
}

KeyPtr ImportPrivateEcc(const EccPublicKey& own, ByteView scalar) {
  const Curve& curve = GetCurve(own.curve);
  if (scalar.size() > curve.field_size) BadArgument("bad length of a private scalar");
  const BigNumber number = FromBigEndian(scalar);
  SecretBytes native(curve.field_size);
  BN_bn2nativepad(number.get(), native.data(), static_cast<int>(native.size()));
  const Buffer point = UncompressedPoint(curve, own);
  OSSL_PARAM params[] = {
      OSSL_PARAM_construct_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, const_cast<char*>(curve.name),
                                       0),
      OSSL_PARAM_construct_octet_string(OSSL_PKEY_PARAM_PUB_KEY, const_cast<uint8_t*>(point.data()),
                                        point.size()),
      OSSL_PARAM_construct_BN(OSSL_PKEY_PARAM_PRIV_KEY, native.data(), native.size()),
      OSSL_PARAM_construct_end()};
  const KeyContext context(EVP_PKEY_CTX_new_from_name(GetLibrary().context, "EC", nullptr));
  Require(context != nullptr && EVP_PKEY_fromdata_init(context.get()) == 1,
          "no memory for a private key");
  EVP_PKEY* raw = nullptr;
  const bool built = EVP_PKEY_fromdata(context.get(), &raw, EVP_PKEY_KEYPAIR, params) == 1;
  KeyPtr key(raw);
  const KeyContext checker(
      built ? EVP_PKEY_CTX_new_from_pkey(GetLibrary().context, key.get(), nullptr) : nullptr);
  if (checker == nullptr || EVP_PKEY_check(checker.get()) != 1) {
    BadArgument("the private scalar does not belong to the public point");
  }
  return key;
}

// The x coordinate of the shared point, as long as the field. `peer` was checked when it was
// imported: on its curve and not the point at infinity, which is all there is to check where the
// cofactor is 1.
SecretBytes SharedX(const Curve& curve, EVP_PKEY* own, EVP_PKEY* peer) {
  const KeyContext context(EVP_PKEY_CTX_new_from_pkey(GetLibrary().context, own, nullptr));
  SecretBytes z(curve.field_size);
  size_t size = z.size();
  Require(context != nullptr && EVP_PKEY_derive_init(context.get()) == 1 &&
              EVP_PKEY_derive_set_peer_ex(context.get(), peer, 0) == 1 &&
              EVP_PKEY_derive(context.get(), z.data(), &size) == 1 && size == z.size(),
          "ECDH failed");
  return z;
}

SecretBytes EccSecret(const Curve& curve, AlgId hash, std::string_view label, ByteView z,
                      const EccPublicKey& ephemeral, const EccPublicKey& recipient) {
  return KdfE(hash, z, label, PadToField(curve, ephemeral.x), PadToField(curve, recipient.x),
              static_cast<uint32_t>(GetHash(hash).size * 8));
}

}  // namespace

Buffer RsaOaepEncrypt(const RsaPublicKey& key, AlgId hash, ByteView label, ByteView plain) {
  const KeyPtr imported = ImportPublicKey(key);
  const size_t overhead = 2 * GetHash(hash).size + 2;
  if (plain.size() + overhead > key.modulus.size()) {
    BadArgument("more data than RSA-OAEP can encrypt with this key");
  }
  const KeyContext context = OaepContext(imported.get(), hash, label, EVP_PKEY_encrypt_init_ex);
  Buffer out(key.modulus.size());
  size_t size = out.size();
  Require(EVP_PKEY_encrypt(context.get(), out.data(), &size, plain.data(), plain.size()) == 1 &&
              size == out.size(),
          "RSA-OAEP encryption failed");
  return out;
}

RsaEncapsulated EncapsulateRsa(const RsaPublicKey& key, AlgId hash, std::string_view label) {
  RsaEncapsulated out;
  out.secret.resize(GetHash(hash).size);
  Require(RAND_priv_bytes_ex(GetLibrary().context, out.secret.data(), out.secret.size(), 0) == 1,
          "the random number generator failed");
  out.ciphertext = RsaOaepEncrypt(key, hash, LabelWithZero(label), out.secret);
  return out;
}

SecretBytes DecapsulateRsa(ByteView private_key_der, AlgId hash, std::string_view label,
                           ByteView ciphertext) {
  const KeyPtr key = ImportPrivateRsa(private_key_der);
  const Buffer label_octets = LabelWithZero(label);
  const KeyContext context = OaepContext(key.get(), hash, label_octets, EVP_PKEY_decrypt_init_ex);
  SecretBytes out(static_cast<size_t>(EVP_PKEY_get_size(key.get())));
  size_t size = out.size();
  if (EVP_PKEY_decrypt(context.get(), out.data(), &size, ciphertext.data(), ciphertext.size()) !=
          1 ||
      size > GetHash(hash).size) {
    BadArgument("the secret does not decrypt");
  }
  out.resize(size);
  return out;
}

EccEncapsulated EncapsulateEcc(const EccPublicKey& key, AlgId hash, std::string_view label) {
  const Curve& curve = GetCurve(key.curve);
  const KeyPtr recipient = ImportPublicKey(key);
  const KeyPtr ephemeral(EVP_PKEY_Q_keygen(GetLibrary().context, nullptr, "EC", curve.name));
  Require(ephemeral != nullptr, "no ephemeral key could be made");
  EccEncapsulated out;
  out.ephemeral = std::get<EccPublicKey>(ExportPublicKey(ephemeral.get()));
  const SecretBytes z = SharedX(curve, ephemeral.get(), recipient.get());
  out.secret = EccSecret(curve, hash, label, z, out.ephemeral, key);
  return out;
}

SecretBytes DecapsulateEcc(const EccPublicKey& own, ByteView private_scalar, AlgId hash,
                           std::string_view label, const EccPublicKey& ephemeral) {
  const Curve& curve = GetCurve(own.curve);
  if (ephemeral.curve != own.curve) BadArgument("the two points are not on the same curve");
  const KeyPtr key = ImportPrivateEcc(own, private_scalar);
  const KeyPtr peer = ImportPublicKey(ephemeral);
  const SecretBytes z = SharedX(curve, key.get(), peer.get());
  return EccSecret(curve, hash, label, z, ephemeral, own);
}

}  // namespace tpm2::crypto

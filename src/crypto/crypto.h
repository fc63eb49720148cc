// All cryptography of the host side, by libcrypto (OpenSSL 3). No OpenSSL type shows here.
// Algorithms are fetched once per process; contexts are kept per thread. Every function throws
// tpm2::Error (NOT_SUPPORTED for an algorithm that is not offered, INVALID_ARGUMENT for bad
// sizes, points off the curve and the like).
#ifndef TPM2_SRC_CRYPTO_CRYPTO_H_
#define TPM2_SRC_CRYPTO_CRYPTO_H_

#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <variant>

#include "tpm2/bytes.h"
#include "tpm2/constants.h"

namespace tpm2::crypto {

using Parts = std::initializer_list<ByteView>;

// Longest digest of the algorithms offered (SHA-512).
inline constexpr size_t kMaxDigest = 64;

// OpenSSL's version string, from the libcrypto that this code is linked with.
std::string OpenSslVersion();

void Random(MutableBytes out);
bool ConstantTimeEqual(ByteView a, ByteView b);

// SHA-1, SHA-256, SHA-384, SHA-512 (and SHA3 where libcrypto has it).
Buffer Digest(AlgId hash, Parts parts);
SecretBytes Hmac(AlgId hash, ByteView key, Parts parts);

// TPM 2.0 Part 1, 11.4.10.2: SP800-108 counter mode. `label` without its terminating zero octet.
// `bits` need not be a multiple of 8: the excess bits of the first octet are cleared.
SecretBytes KdfA(AlgId hash, ByteView key, std::string_view label, ByteView context_u,
                 ByteView context_v, uint32_t bits);
// TPM 2.0 Part 1, 11.4.10.3: SP800-56A concatenation KDF.
SecretBytes KdfE(AlgId hash, ByteView z, std::string_view label, ByteView party_u, ByteView party_v,
                 uint32_t bits);

// AES-CFB128 in place; the key's length chooses AES-128, -192 or -256. `iv` is 16 octets.
void AesCfbEncrypt(ByteView key, ByteView iv, MutableBytes data);
void AesCfbDecrypt(ByteView key, ByteView iv, MutableBytes data);

struct RsaPublicKey {
  Buffer modulus;  // big-endian, full length
  uint32_t exponent = 65537;
};
struct EccPublicKey {
  EccCurve curve{};
  Buffer x, y;  // big-endian, padded to the field's length
};
using PublicKey = std::variant<RsaPublicKey, EccPublicKey>;

// SubjectPublicKeyInfo DER (RFC 5280 / 5480), both ways. Encoding refuses a point off its curve.
Buffer EncodeSpki(const PublicKey& key);
PublicKey DecodeSpki(ByteView der);
// PEM ("PUBLIC KEY" or "CERTIFICATE") or DER (SPKI or certificate) to SPKI.
PublicKey DecodePublicKey(ByteView pem_or_der);

// Secret sharing (Part 1, B.10.4 RSA and C.6.1 ECC; labels "SECRET", "IDENTITY", "DUPLICATE").
// The secret has the length of the name algorithm's digest.
struct RsaEncapsulated {
  SecretBytes secret;
  Buffer ciphertext;
};
struct EccEncapsulated {
  SecretBytes secret;
  EccPublicKey ephemeral;
};
// OAEP with `hash`; the label goes in with its terminating zero octet.
RsaEncapsulated EncapsulateRsa(const RsaPublicKey& key, AlgId hash, std::string_view label);
EccEncapsulated EncapsulateEcc(const EccPublicKey& key, AlgId hash, std::string_view label);
// The recipient's side, for tests and for software keys. `private_key` for RSA is PKCS#8 or
// PKCS#1 DER; for ECC the scalar.
SecretBytes DecapsulateRsa(ByteView private_key_der, AlgId hash, std::string_view label,
                           ByteView ciphertext);
SecretBytes DecapsulateEcc(const EccPublicKey& own, ByteView private_scalar, AlgId hash,
                           std::string_view label, const EccPublicKey& ephemeral);
// RSAES-OAEP (empty label) for the public half of a decrypt key.
Buffer RsaOaepEncrypt(const RsaPublicKey& key, AlgId hash, ByteView label, ByteView plain);

// `signature`: RSA octets, or r‖s (IEEE P1363) for ECDSA. `scheme`: kRsaSsa, kRsaPss, kEcdsa.
// False for a signature that does not verify, whatever is wrong with it.
bool VerifyDigest(const PublicKey& key, AlgId scheme, AlgId hash, ByteView digest,
                  ByteView signature);
// ECDSA signatures: DER SEQUENCE{r,s} to r‖s of the curve's length; empty if it is not that.
Buffer EcdsaDerToP1363(EccCurve curve, ByteView der);

}  // namespace tpm2::crypto

#endif  // TPM2_SRC_CRYPTO_CRYPTO_H_

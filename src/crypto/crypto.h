// All cryptography of the host side, by libcrypto (OpenSSL 3). No OpenSSL type shows here.
// Algorithms are fetched once per process and contexts are pooled; every function may be called
// from any thread. Functions throw tpm2::Error with fixed words: NOT_SUPPORTED for an algorithm,
// curve or kind of key that is not offered, INVALID_ARGUMENT for bad sizes, points off the curve
// and the like, RESOURCE_EXHAUSTED where libcrypto has no memory or no entropy.
//
// An addon that links libcrypto statically must never be unloaded (on ELF: link with
// -z nodelete): libcrypto's destructor of thread-local data would be called in unmapped memory
// when a thread ends that used it.
#ifndef TPM2_SRC_CRYPTO_CRYPTO_H_
#define TPM2_SRC_CRYPTO_CRYPTO_H_

#include <cstdint>
#include <initializer_list>
#include <memory>
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

// To be called as the last thing on a thread of ours that used this room: frees what libcrypto
// keeps for the thread, which a static libcrypto on Windows does not do by itself.
void ReleaseThread() noexcept;

void Random(MutableBytes out);
// The lengths are no secret.
bool ConstantTimeEqual(ByteView a, ByteView b);

// SHA-1, SHA-256, SHA-384, SHA-512 (and SHA3 where libcrypto has it). The size is 0 for any other
// algorithm.
size_t DigestSize(AlgId hash);
Buffer Digest(AlgId hash, Parts parts);
SecretBytes Hmac(AlgId hash, ByteView key, Parts parts);
// Into the front of `out`, which may be longer; return the digest's size. They do not allocate.
// `out` may overlap the parts. Nothing of the data or key stays in a pooled context.
size_t DigestInto(AlgId hash, Parts parts, MutableBytes out);
size_t HmacInto(AlgId hash, ByteView key, Parts parts, MutableBytes out);

// An HMAC key made ready once for several MACs: setting the key and wiping it afterwards costs
// more than a MAC. One encrypted command needs four with the same sessionKey‖authValue. The key
// may be empty. Used by one thread at a time.
struct HmacContext;
class HmacKey {
 public:
  HmacKey(AlgId hash, ByteView key);
  size_t Into(Parts parts, MutableBytes out) const;
  size_t size() const;

 private:
  struct Release {
    void operator()(HmacContext* context) const noexcept;
  };
  std::unique_ptr<HmacContext, Release> context_;
};

// TPM 2.0 Part 1, 11.4.10.2: SP800-108 counter mode. `label` without its terminating zero octet.
// `bits` need not be a multiple of 8: the excess bits of the first octet are cleared. The Into
// form fills `out`, which must be ceil(bits / 8) octets long.
void KdfAInto(const HmacKey& key, std::string_view label, ByteView context_u, ByteView context_v,
              uint32_t bits, MutableBytes out);
SecretBytes KdfA(AlgId hash, ByteView key, std::string_view label, ByteView context_u,
                 ByteView context_v, uint32_t bits);
// TPM 2.0 Part 1, 11.4.10.3: SP800-56A concatenation KDF.
SecretBytes KdfE(AlgId hash, ByteView z, std::string_view label, ByteView party_u, ByteView party_v,
                 uint32_t bits);

// AES-CFB128 in place, with no padding; the key's length chooses AES-128, -192 or -256. `iv` is
// 16 octets. Each call starts a new message.
void AesCfbEncrypt(ByteView key, ByteView iv, MutableBytes data);
void AesCfbDecrypt(ByteView key, ByteView iv, MutableBytes data);

// Moduli of 1024 to 4096 bits.
struct RsaPublicKey {
  Buffer modulus;             // big-endian, first octet not zero
  uint32_t exponent = 65537;  // 0, which TPM structures use for 65537, is refused here
};
// P-256, P-384, P-521.
struct EccPublicKey {
  EccCurve curve{};
  // Big-endian. As output always padded to the field's length; as input they may be shorter, since
  // there are TPMs that drop leading zeros.
  Buffer x, y;
};
using PublicKey = std::variant<RsaPublicKey, EccPublicKey>;

// SubjectPublicKeyInfo DER (RFC 5280 / 5480), both ways. Both refuse a point off its curve, and
// decoding refuses trailing octets.
Buffer EncodeSpki(const PublicKey& key);
PublicKey DecodeSpki(ByteView der);
// PEM ("PUBLIC KEY" or "CERTIFICATE") or DER (SPKI or certificate). In PEM the first block counts;
// text before and blocks behind it are ignored. A certificate is not verified.
PublicKey DecodePublicKey(ByteView pem_or_der);

// Secret sharing (Part 1, B.10.4 RSA and C.6.1 ECC; labels "SECRET", "IDENTITY", "DUPLICATE").
// The secret has the length of the digest of `hash`, which is the key's name algorithm, but for an
// RSA key with an OAEP scheme of its own the hash of that scheme.
struct RsaEncapsulated {
  SecretBytes secret;
  Buffer ciphertext;
};
struct EccEncapsulated {
  SecretBytes secret;
  EccPublicKey ephemeral;
};
// OAEP with `hash` for itself and for MGF1; `label` comes without its terminating zero octet,
// which is put behind it.
RsaEncapsulated EncapsulateRsa(const RsaPublicKey& key, AlgId hash, std::string_view label);
EccEncapsulated EncapsulateEcc(const EccPublicKey& key, AlgId hash, std::string_view label);
// The recipient's side, for tests and for software keys. `private_key_der` is PKCS#8 or PKCS#1;
// for ECC the scalar. INVALID_ARGUMENT for whatever does not decrypt.
SecretBytes DecapsulateRsa(ByteView private_key_der, AlgId hash, std::string_view label,
                           ByteView ciphertext);
SecretBytes DecapsulateEcc(const EccPublicKey& own, ByteView private_scalar, AlgId hash,
                           std::string_view label, const EccPublicKey& ephemeral);
// RSAES-OAEP for the public half of a decrypt key; `label` as it is, with its zero octet if it has
// one (it may be empty).
Buffer RsaOaepEncrypt(const RsaPublicKey& key, AlgId hash, ByteView label, ByteView plain);

// `signature`: RSA octets, or r‖s (IEEE P1363) for ECDSA. `scheme`: kRsaSsa, kRsaPss (with a salt
// of any length, since TPMs differ), kEcdsa; others are NOT_SUPPORTED. False for a signature that
// does not verify, whatever is wrong with it, and for a scheme of the other kind of key. A digest
// that has not the hash's length or a bad key is INVALID_ARGUMENT.
bool VerifyDigest(const PublicKey& key, AlgId scheme, AlgId hash, ByteView digest,
                  ByteView signature);
// ECDSA signatures: DER SEQUENCE{r,s} to r‖s of the curve's length; empty if it is not that.
Buffer EcdsaDerToP1363(EccCurve curve, ByteView der);

}  // namespace tpm2::crypto

#endif  // TPM2_SRC_CRYPTO_CRYPTO_H_

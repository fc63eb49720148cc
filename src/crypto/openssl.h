// What the files of this room share: libcrypto objects as resources, and the algorithms that were
// fetched once. Nothing outside src/crypto includes this header.
#ifndef TPM2_SRC_CRYPTO_OPENSSL_H_
#define TPM2_SRC_CRYPTO_OPENSSL_H_

#include <openssl/bio.h>
#include <openssl/bn.h>
#include <openssl/crypto.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/params.h>
#include <openssl/x509.h>

#include <array>
#include <atomic>
#include <memory>
#include <string>

#include "crypto/crypto.h"
#include "tpm2/error.h"

namespace tpm2::crypto {

template <auto kFree>
struct FreeWith {
  template <typename T>
  void operator()(T* object) const noexcept {
    kFree(object);
  }
};
using BigNumber = std::unique_ptr<BIGNUM, FreeWith<BN_clear_free>>;
using BioPtr = std::unique_ptr<BIO, FreeWith<BIO_free_all>>;
using CertificatePtr = std::unique_ptr<X509, FreeWith<X509_free>>;
using CipherContext = std::unique_ptr<EVP_CIPHER_CTX, FreeWith<EVP_CIPHER_CTX_free>>;
using EcdsaSignature = std::unique_ptr<ECDSA_SIG, FreeWith<ECDSA_SIG_free>>;
using KeyContext = std::unique_ptr<EVP_PKEY_CTX, FreeWith<EVP_PKEY_CTX_free>>;
using KeyPtr = std::unique_ptr<EVP_PKEY, FreeWith<EVP_PKEY_free>>;

// Contexts that wait for their next user, without a lock and without thread-local storage: on
// MinGW a thread's storage can be gone before its destructors run. Owns nothing at process exit
// (a pool lives in Library, which is never destroyed).
template <typename T>
class Pool {
 public:
  // Null if none waits.
  T* Take() noexcept {
    for (auto& slot : slots_) {
      if (slot.load(std::memory_order_relaxed) == nullptr) continue;
      if (T* context = slot.exchange(nullptr, std::memory_order_acquire)) return context;
    }
    return nullptr;
  }
  // False if there is no room; the caller keeps the context then.
  bool Put(T* context) noexcept {
    for (auto& slot : slots_) {
      T* empty = nullptr;
      if (slot.compare_exchange_strong(empty, context, std::memory_order_release,
                                       std::memory_order_relaxed)) {
        return true;
      }
    }
    return false;
  }

 private:
  std::array<std::atomic<T*>, 4> slots_{};
};

struct HashAlgorithm {
  AlgId id{};
  const char* name = nullptr;  // libcrypto's
  size_t size = 0;
  EVP_MD* md = nullptr;  // null where this libcrypto was built without it
  Pool<EVP_MD_CTX> digests;
  Pool<HmacContext> macs;
};

// A curve that is offered: P-256, P-384, P-521.
struct Curve {
  EccCurve id;
  const char* name;
  size_t field_size;  // octets; the order has as many
};

// One per process and never destroyed: threads of a Node worker may use it until the very end.
// It has a libcrypto context of its own, so no configuration file is read and no provider of
// somebody else takes part; libcrypto registers no atexit handler.
struct Library {
  OSSL_LIB_CTX* context = nullptr;
  EVP_MAC* hmac = nullptr;
  std::array<EVP_CIPHER*, 3> aes_cfb{};  // 128, 192, 256
  std::array<HashAlgorithm, 7> hashes;
};
// The first call makes it; thread-safe. Everything that calls libcrypto comes through here first,
// since the options of libcrypto's initialisation count only in its first call.
Library& GetLibrary();

// Throws NOT_SUPPORTED.
HashAlgorithm& GetHash(AlgId hash);
const Curve& GetCurve(EccCurve curve);

// Throw with fixed words, and empty the thread's queue of libcrypto errors, whose texts may quote
// input and which nobody else reads.
[[noreturn]] void Fail(ErrorCode code, const char* text);
[[noreturn]] void BadArgument(const char* text);
// For what fails only when memory or libcrypto itself does.
void Require(bool ok, const char* text);

// `number` big-endian, filled up on the left with zeros to `size` octets; it must fit.
Buffer ToBigEndian(const BIGNUM* number, size_t size);
BigNumber FromBigEndian(ByteView octets);

// All checks of a public key happen here: sizes, the exponent, the point on its curve.
KeyPtr ImportPublicKey(const PublicKey& key);
// Throws NOT_SUPPORTED for a kind of key, curve or size that is not offered.
PublicKey ExportPublicKey(const EVP_PKEY* key);
// `octets` filled up on the left to the length of the curve's field; throws if longer than that.
Buffer PadToField(const Curve& curve, ByteView octets);
// SEC 1, 2.3.3, with 04 in front. Not checked against the curve.
Buffer UncompressedPoint(const Curve& curve, const EccPublicKey& key);

}  // namespace tpm2::crypto

#endif  // TPM2_SRC_CRYPTO_OPENSSL_H_

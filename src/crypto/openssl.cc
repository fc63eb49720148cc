#include "crypto/openssl.h"

#include <openssl/err.h>
#include <openssl/rand.h>

namespace tpm2::crypto {
namespace {

struct HashEntry {
  AlgId id;
  const char* name;
  size_t size;
};
constexpr std::array<HashEntry, 7> kHashes = {{
    {AlgId::kSha256, "SHA2-256", 32},
    {AlgId::kSha384, "SHA2-384", 48},
    {AlgId::kSha512, "SHA2-512", 64},
    {AlgId::kSha1, "SHA1", 20},
    {AlgId::kSha3_256, "SHA3-256", 32},
    {AlgId::kSha3_384, "SHA3-384", 48},
    {AlgId::kSha3_512, "SHA3-512", 64},
}};

constexpr std::array<Curve, 3> kCurves = {{
    {EccCurve::kNistP256, "P-256", 32},
    {EccCurve::kNistP384, "P-384", 48},
    {EccCurve::kNistP521, "P-521", 66},
}};

// Libcrypto initialises itself in whatever is called first, even in ERR_clear_error, and registers
// its atexit handler then, unless this came before.
void InitialiseLibcrypto() {
  OPENSSL_init_crypto(OPENSSL_INIT_NO_ATEXIT | OPENSSL_INIT_NO_LOAD_CONFIG, nullptr);
}

Library* MakeLibrary() {
  InitialiseLibcrypto();
  auto library = std::make_unique<Library>();
  library->context = OSSL_LIB_CTX_new();
  Require(library->context != nullptr, "libcrypto could not be initialised");
  library->hmac = EVP_MAC_fetch(library->context, "HMAC", nullptr);
  Require(library->hmac != nullptr, "libcrypto has no HMAC");
  static constexpr const char* kAesNames[] = {"AES-128-CFB", "AES-192-CFB", "AES-256-CFB"};
  for (size_t i = 0; i < library->aes_cfb.size(); ++i) {
    library->aes_cfb[i] = EVP_CIPHER_fetch(library->context, kAesNames[i], nullptr);
  }
  for (size_t i = 0; i < kHashes.size(); ++i) {
    HashAlgorithm& hash = library->hashes[i];
    hash.id = kHashes[i].id;
    hash.name = kHashes[i].name;
    hash.size = kHashes[i].size;
    hash.md = EVP_MD_fetch(library->context, hash.name, nullptr);
  }
  ERR_clear_error();
  return library.release();
}

}  // namespace

Library& GetLibrary() {
  static Library* const library = MakeLibrary();
  return *library;
}

HashAlgorithm& GetHash(AlgId id) {
  for (HashAlgorithm& hash : GetLibrary().hashes) {
    if (hash.id == id && hash.md != nullptr) return hash;
  }
  Fail(ErrorCode::kNotSupported, "hash algorithm not supported");
}

const Curve& GetCurve(EccCurve id) {
  for (const Curve& curve : kCurves) {
    if (curve.id == id) return curve;
  }
  Fail(ErrorCode::kNotSupported, "elliptic curve not supported");
}

size_t DigestSize(AlgId id) {
  for (const HashEntry& hash : kHashes) {
    if (hash.id == id) return hash.size;
  }
  return 0;
}

void Fail(ErrorCode code, const char* text) {
  InitialiseLibcrypto();
  ERR_clear_error();
  throw Error(code, text);
}

void BadArgument(const char* text) { Fail(ErrorCode::kInvalidArgument, text); }

void Require(bool ok, const char* text) {
  if (!ok) Fail(ErrorCode::kResourceExhausted, text);
}

Buffer ToBigEndian(const BIGNUM* number, size_t size) {
  Buffer out(size);
  if (BN_bn2binpad(number, out.data(), static_cast<int>(size)) < 0) {
    BadArgument("number longer than its field");
  }
  return out;
}

BigNumber FromBigEndian(ByteView octets) {
  GetLibrary();
  BigNumber number(BN_bin2bn(octets.data(), static_cast<int>(octets.size()), nullptr));
  Require(number != nullptr, "no memory for a number");
  return number;
}

std::string OpenSslVersion() { return OpenSSL_version(OPENSSL_VERSION); }

void Random(MutableBytes out) {
  if (out.empty()) return;
  Require(RAND_bytes_ex(GetLibrary().context, out.data(), out.size(), 0) == 1,
          "the random number generator failed");
}

bool ConstantTimeEqual(ByteView a, ByteView b) {
  if (a.size() != b.size()) return false;
  return a.empty() || CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0;
}

void ReleaseThread() noexcept { OPENSSL_thread_stop(); }

}  // namespace tpm2::crypto

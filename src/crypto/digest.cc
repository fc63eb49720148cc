// Digests and HMACs. A pooled context is always left as if new (a digest freshly initialised, an
// HMAC with the empty key), so that the next user starts at once and nothing of the last one's
// data stays in memory.
#include <openssl/core_names.h>

#include "crypto/openssl.h"

namespace tpm2::crypto {
namespace {

constexpr uint8_t kEmptyKey = 0;  // libcrypto takes a null pointer for "the key of before"

EVP_MD_CTX* NewDigest(const HashAlgorithm& hash) {
  EVP_MD_CTX* context = EVP_MD_CTX_new();
  if (context != nullptr && EVP_DigestInit_ex2(context, hash.md, nullptr) != 1) {
    EVP_MD_CTX_free(context);
    context = nullptr;
  }
  Require(context != nullptr, "no memory for a digest");
  return context;
}

bool RunDigest(EVP_MD_CTX* context, Parts parts, uint8_t* out) {
  for (ByteView part : parts) {
    if (!part.empty() && EVP_DigestUpdate(context, part.data(), part.size()) != 1) return false;
  }
  return EVP_DigestFinal_ex(context, out, nullptr) == 1 &&
         EVP_DigestInit_ex2(context, nullptr, nullptr) == 1;
}

}  // namespace

struct HmacContext {
  HashAlgorithm& hash;
  EVP_MAC_CTX* mac;
  bool used = false;  // since the key was set

  bool SetKey(const uint8_t* key, size_t size) noexcept {
    used = false;
    return EVP_MAC_init(mac, size == 0 ? &kEmptyKey : key, size, nullptr) == 1;
  }
  bool Run(Parts parts, MutableBytes out) {
    if (used && EVP_MAC_init(mac, nullptr, 0, nullptr) != 1) return false;
    used = true;
    for (ByteView part : parts) {
      if (!part.empty() && EVP_MAC_update(mac, part.data(), part.size()) != 1) return false;
    }
    size_t written = 0;
    return EVP_MAC_final(mac, out.data(), &written, out.size()) == 1 && written == hash.size;
  }
};

namespace {

// The digest is set once, here: naming it at every key costs 250 ns more.
HmacContext* NewHmac(HashAlgorithm& hash) {
  auto context = std::make_unique<HmacContext>(
      HmacContext{.hash = hash, .mac = EVP_MAC_CTX_new(GetLibrary().hmac)});
  const OSSL_PARAM params[] = {
      OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, const_cast<char*>(hash.name), 0),
      OSSL_PARAM_construct_end()};
  if (context->mac == nullptr || EVP_MAC_init(context->mac, &kEmptyKey, 0, params) != 1) {
    EVP_MAC_CTX_free(context->mac);
    Fail(ErrorCode::kResourceExhausted, "no memory for an HMAC");
  }
  return context.release();
}

}  // namespace

size_t DigestInto(AlgId id, Parts parts, MutableBytes out) {
  HashAlgorithm& hash = GetHash(id);
  if (out.size() < hash.size) BadArgument("buffer too short for the digest");
  EVP_MD_CTX* context = hash.digests.Take();
  if (context == nullptr) context = NewDigest(hash);
  const bool ok = RunDigest(context, parts, out.data());
  if (!ok || !hash.digests.Put(context)) EVP_MD_CTX_free(context);
  Require(ok, "the digest failed");
  return hash.size;
}

Buffer Digest(AlgId hash, Parts parts) {
  Buffer out(DigestSize(hash));
  DigestInto(hash, parts, out);
  return out;
}

HmacKey::HmacKey(AlgId id, ByteView key) {
  HashAlgorithm& hash = GetHash(id);
  HmacContext* context = hash.macs.Take();
  context_.reset(context != nullptr ? context : NewHmac(hash));
  Require(context_->SetKey(key.data(), key.size()), "the HMAC key could not be set");
}

size_t HmacKey::size() const { return context_->hash.size; }

size_t HmacKey::Into(Parts parts, MutableBytes out) const {
  if (out.size() < size()) BadArgument("buffer too short for the HMAC");
  Require(context_->Run(parts, out), "the HMAC failed");
  return size();
}

void HmacKey::Release::operator()(HmacContext* context) const noexcept {
  if (context->SetKey(nullptr, 0) && context->hash.macs.Put(context)) return;
  EVP_MAC_CTX_free(context->mac);
  delete context;
}

size_t HmacInto(AlgId hash, ByteView key, Parts parts, MutableBytes out) {
  return HmacKey(hash, key).Into(parts, out);
}

SecretBytes Hmac(AlgId hash, ByteView key, Parts parts) {
  SecretBytes out(DigestSize(hash));
  HmacInto(hash, key, parts, out);
  return out;
}

}  // namespace tpm2::crypto

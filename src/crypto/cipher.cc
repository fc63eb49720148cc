#include <climits>

#include "crypto/openssl.h"

namespace tpm2::crypto {
namespace {

enum Direction { kDecrypt = 0, kEncrypt = 1 };

void AesCfb(Direction direction, ByteView key, ByteView iv, MutableBytes data) {
  if (key.size() != 16 && key.size() != 24 && key.size() != 32) {
    BadArgument("an AES key has 16, 24 or 32 octets");
  }
  if (iv.size() != 16) BadArgument("the initial vector of AES-CFB has 16 octets");
  if (data.size() > INT_MAX) BadArgument("too much data for one encryption");
  const EVP_CIPHER* cipher = GetLibrary().aes_cfb[key.size() / 8 - 2];
  if (cipher == nullptr) Fail(ErrorCode::kNotSupported, "AES-CFB not supported");
  if (data.empty()) return;
  // Not pooled: to wipe the key schedule for the next user costs as much as a new context.
  CipherContext context(EVP_CIPHER_CTX_new());
  int written = 0;
  Require(context != nullptr &&
              EVP_CipherInit_ex2(context.get(), cipher, key.data(), iv.data(), direction,
                                 nullptr) == 1 &&
              EVP_CipherUpdate(context.get(), data.data(), &written, data.data(),
                               static_cast<int>(data.size())) == 1,
          "AES-CFB failed");
}

}  // namespace

void AesCfbEncrypt(ByteView key, ByteView iv, MutableBytes data) {
  AesCfb(kEncrypt, key, iv, data);
}

void AesCfbDecrypt(ByteView key, ByteView iv, MutableBytes data) {
  AesCfb(kDecrypt, key, iv, data);
}

}  // namespace tpm2::crypto

#include "crypto_keys.h"

namespace tpm2::crypto {
namespace {

Buffer SignRsa(EVP_PKEY* key, int padding, const EVP_MD* md, int salt, const Buffer& digest) {
  const std::unique_ptr<EVP_PKEY_CTX, decltype(&EVP_PKEY_CTX_free)> context(
      EVP_PKEY_CTX_new(key, nullptr), EVP_PKEY_CTX_free);
  EVP_PKEY_sign_init(context.get());
  EVP_PKEY_CTX_set_rsa_padding(context.get(), padding);
  EVP_PKEY_CTX_set_signature_md(context.get(), md);
  if (padding == RSA_PKCS1_PSS_PADDING) EVP_PKEY_CTX_set_rsa_pss_saltlen(context.get(), salt);
  Buffer out(static_cast<size_t>(EVP_PKEY_get_size(key)));
  size_t size = out.size();
  if (EVP_PKEY_sign(context.get(), out.data(), &size, digest.data(), digest.size()) != 1) {
    throw std::runtime_error("libcrypto did not sign");
  }
  return out;
}

TEST(CryptoVerify, EcdsaRfc6979) {
  for (const EccVector& one : Rfc6979Keys()) {
    EXPECT_TRUE(VerifyDigest(one.key, AlgId::kEcdsa, one.hash, Digest(one.hash, {Text("sample")}),
                             Join({one.r, one.s})));
    EXPECT_FALSE(VerifyDigest(one.key, AlgId::kEcdsa, one.hash, Digest(one.hash, {Text("Sample")}),
                              Join({one.r, one.s})));
  }
}

TEST(CryptoVerify, EcdsaBadSignaturesAreFalse) {
  const auto keys = Rfc6979Keys();
  for (const EccVector& one : keys) {
    const Buffer digest = Digest(one.hash, {Text("sample")});
    const size_t size = one.r.size();
    const Buffer good = Join({one.r, one.s});
    std::vector<Buffer> bad = {{},
                               one.r,
                               Join({one.s, one.r}),
                               Join({good, {0}}),
                               Join({{0}, good}),
                               Join({Buffer(size), one.s}),
                               Join({one.r, Buffer(size)}),
                               Buffer(2 * size),
                               Buffer(2 * size, 0xff)};
    for (size_t i = 0; i < good.size(); i += 7) {
      Buffer changed = good;
      changed[i] ^= 1;
      bad.push_back(changed);
    }
    for (const Buffer& signature : bad) {
      EXPECT_FALSE(VerifyDigest(one.key, AlgId::kEcdsa, one.hash, digest, signature));
    }
    for (const EccVector& other : keys) {
      if (other.key.curve == one.key.curve) continue;
      EXPECT_FALSE(VerifyDigest(other.key, AlgId::kEcdsa, one.hash, digest, good));
    }
  }
}

TEST(CryptoVerify, RsaBothSchemesAndAllHashes) {
  const SoftwareRsa rsa = MakeRsa(2048);
  const SoftwareRsa other = MakeRsa(2048);
  const struct {
    AlgId id;
    const EVP_MD* md;
  } hashes[] = {{AlgId::kSha1, EVP_sha1()},
                {AlgId::kSha256, EVP_sha256()},
                {AlgId::kSha384, EVP_sha384()},
                {AlgId::kSha512, EVP_sha512()}};
  for (const auto& hash : hashes) {
    SCOPED_TRACE(static_cast<int>(hash.id));
    const Buffer digest = Digest(hash.id, {Text("message")});
    const Buffer ssa = SignRsa(rsa.key.get(), RSA_PKCS1_PADDING, hash.md, 0, digest);
    EXPECT_TRUE(VerifyDigest(rsa.public_key, AlgId::kRsaSsa, hash.id, digest, ssa));
    EXPECT_FALSE(VerifyDigest(rsa.public_key, AlgId::kRsaPss, hash.id, digest, ssa));
    EXPECT_FALSE(VerifyDigest(other.public_key, AlgId::kRsaSsa, hash.id, digest, ssa));
    for (int salt : {RSA_PSS_SALTLEN_DIGEST, RSA_PSS_SALTLEN_MAX, 0, 10}) {
      const Buffer pss = SignRsa(rsa.key.get(), RSA_PKCS1_PSS_PADDING, hash.md, salt, digest);
      EXPECT_TRUE(VerifyDigest(rsa.public_key, AlgId::kRsaPss, hash.id, digest, pss)) << salt;
      EXPECT_FALSE(VerifyDigest(rsa.public_key, AlgId::kRsaSsa, hash.id, digest, pss));
      EXPECT_FALSE(VerifyDigest(other.public_key, AlgId::kRsaPss, hash.id, digest, pss));
    }
  }
}

TEST(CryptoVerify, RsaBadSignaturesAreFalse) {
  const SoftwareRsa rsa = MakeRsa(1024);
  const Buffer digest = Digest(AlgId::kSha256, {Text("message")});
  for (const auto& [scheme, padding] : {std::pair{AlgId::kRsaSsa, RSA_PKCS1_PADDING},
                                        std::pair{AlgId::kRsaPss, RSA_PKCS1_PSS_PADDING}}) {
    const Buffer good =
        SignRsa(rsa.key.get(), padding, EVP_sha256(), RSA_PSS_SALTLEN_DIGEST, digest);
    ASSERT_TRUE(VerifyDigest(rsa.public_key, scheme, AlgId::kSha256, digest, good));
    Buffer other_digest = digest;
    other_digest.front() ^= 0x80;
    EXPECT_FALSE(VerifyDigest(rsa.public_key, scheme, AlgId::kSha256, other_digest, good));
    // The same digest under another hash of the same length.
    EXPECT_FALSE(VerifyDigest(rsa.public_key, scheme, AlgId::kSha3_256, digest, good));
    std::vector<Buffer> bad = {{},
                               Buffer(good.begin(), good.end() - 1),
                               Join({good, {0}}),
                               Join({{0}, good}),
                               Buffer(good.size()),
                               Buffer(good.size(), 0xff),
                               rsa.public_key.modulus};
    for (size_t i = 0; i < good.size(); i += 5) {
      Buffer changed = good;
      changed[i] ^= 1;
      bad.push_back(changed);
    }
    for (const Buffer& signature : bad) {
      EXPECT_FALSE(VerifyDigest(rsa.public_key, scheme, AlgId::kSha256, digest, signature));
    }
    // A key that is too short for PSS with SHA-512 and salt says no; it does not fail.
    EXPECT_FALSE(VerifyDigest(rsa.public_key, scheme, AlgId::kSha512,
                              Digest(AlgId::kSha512, {Text("message")}), good));
  }
}

TEST(CryptoVerify, SchemeOfTheOtherKindOfKeyIsFalse) {
  const EccVector ecc = Rfc6979Keys()[0];
  const Buffer digest = Digest(AlgId::kSha256, {Text("sample")});
  const Buffer signature = Join({ecc.r, ecc.s});
  EXPECT_FALSE(VerifyDigest(ecc.key, AlgId::kRsaSsa, AlgId::kSha256, digest, signature));
  EXPECT_FALSE(VerifyDigest(ecc.key, AlgId::kRsaPss, AlgId::kSha256, digest, signature));
  EXPECT_FALSE(VerifyDigest(RsaPublicKey{.modulus = Buffer(256, 0xc3)}, AlgId::kEcdsa,
                            AlgId::kSha256, digest, signature));
}

TEST(CryptoVerify, BadArgumentsThrow) {
  const EccVector ecc = Rfc6979Keys()[0];
  const Buffer digest = Digest(AlgId::kSha256, {Text("sample")});
  const Buffer signature = Join({ecc.r, ecc.s});
  for (const Buffer& other : {Buffer{}, Join({digest, {0}}), Buffer(31), Buffer(20)}) {
    ExpectError(ErrorCode::kInvalidArgument,
                [&] { VerifyDigest(ecc.key, AlgId::kEcdsa, AlgId::kSha256, other, signature); });
  }
  ExpectError(ErrorCode::kNotSupported,
              [&] { VerifyDigest(ecc.key, AlgId::kEcdaa, AlgId::kSha256, digest, signature); });
  ExpectError(ErrorCode::kNotSupported,
              [&] { VerifyDigest(ecc.key, AlgId::kEcdsa, AlgId::kNull, digest, signature); });
  EccPublicKey off = ecc.key;
  off.x.back() ^= 1;
  ExpectError(ErrorCode::kInvalidArgument,
              [&] { VerifyDigest(off, AlgId::kEcdsa, AlgId::kSha256, digest, signature); });
}

TEST(CryptoEcdsaDer, ConvertsToBothHalvesPadded) {
  // SEQUENCE { INTEGER 1, INTEGER 0x80 }
  const Buffer small = Hex("3007020101020200 80");
  for (const EccVector& one : Rfc6979Keys()) {
    const size_t size = one.r.size();
    Buffer expected(2 * size);
    expected[size - 1] = 1;
    expected[2 * size - 1] = 0x80;
    EXPECT_EQ(EcdsaDerToP1363(one.key.curve, small), expected);
  }
  const EccVector p256 = Rfc6979Keys()[0];
  const Buffer der = Join({Hex("3046022100"), p256.r, Hex("022100"), p256.s});
  EXPECT_EQ(EcdsaDerToP1363(EccCurve::kNistP256, der), Join({p256.r, p256.s}));
  for (size_t size = 0; size < der.size(); ++size) {
    EXPECT_TRUE(EcdsaDerToP1363(EccCurve::kNistP256, ByteView(der).first(size)).empty());
  }
}

TEST(CryptoEcdsaDer, WhatIsNoSignatureIsEmpty) {
  const Buffer long_number(33, 0x7f);
  for (const Buffer& der : {Buffer{}, Hex("3000"), Hex("30030201 01"), Hex("300702010102020080 00"),
                            Hex("30060201ff020101"), Hex("3006020101040101"), Hex("0400"),
                            Join({Hex("30260221"), long_number, Hex("020101")}),
                            Join({Hex("3026020101 0221"), long_number})}) {
    EXPECT_TRUE(EcdsaDerToP1363(EccCurve::kNistP256, der).empty());
  }
  EXPECT_FALSE(
      EcdsaDerToP1363(EccCurve::kNistP384, Join({Hex("30260221"), long_number, Hex("020101")}))
          .empty());
  ExpectError(ErrorCode::kNotSupported, [] { EcdsaDerToP1363(EccCurve::kBnP256, Hex("3000")); });
}

}  // namespace
}  // namespace tpm2::crypto

#include "crypto_vectors.h"

namespace tpm2::crypto {
namespace {

Buffer Counting(uint8_t from) {
  Buffer out(16);
  for (size_t i = 0; i < out.size(); ++i) out[i] = static_cast<uint8_t>(from + i);
  return out;
}

TEST(CryptoKdf, KdfASharedVectors) {
  const auto path = SharedVectors() / "kdf" / "kdfa.json";
  TPM2_REQUIRE_VECTORS(path);
  const auto cases = ReadCases(path);
  ASSERT_EQ(cases.size(), 100u);
  for (const Case& one : cases) {
    EXPECT_EQ(Plain(KdfA(static_cast<AlgId>(std::stoi(one.at("HashAlg"))), Hex(one.at("Key")),
                         one.at("Label"), Hex(one.at("ContextU")), Hex(one.at("ContextV")),
                         static_cast<uint32_t>(std::stoul(one.at("Bits"))))),
              Hex(one.at("Result")))
        << one.at("Name");
  }
}

TEST(CryptoKdf, KdfESharedVectors) {
  const auto path = SharedVectors() / "kdf" / "kdfe.json";
  TPM2_REQUIRE_VECTORS(path);
  const auto cases = ReadCases(path);
  ASSERT_EQ(cases.size(), 100u);
  for (const Case& one : cases) {
    EXPECT_EQ(Plain(KdfE(static_cast<AlgId>(std::stoi(one.at("HashAlg"))), Hex(one.at("Z")),
                         one.at("Label"), Hex(one.at("ContextU")), Hex(one.at("ContextV")),
                         static_cast<uint32_t>(std::stoul(one.at("Bits"))))),
              Hex(one.at("Result")))
        << one.at("Name");
  }
}

// Expected values: the specification's formulas over another implementation's HMAC and SHA-256.
TEST(CryptoKdf, KdfAOneBlockAndOddBits) {
  EXPECT_EQ(Plain(KdfA(AlgId::kSha256, Text("key"), "CFB", Counting(0), Counting(16), 256)),
            Hex("6e0c56897325997a58f91f4cdd68946ec90f0b39728dfcefc473e517611c77a2"));
  EXPECT_EQ(Plain(KdfA(AlgId::kSha256, Text("key"), "CFB", Counting(0), Counting(16), 517)),
            Hex("16b79c02ff65d748a102c394198bf5eceb2bf15255aa1ff46c13c27bbd6370f4"
                "54989db725564abbedcd417e3df62f97a11dd8af44229a8816a0036b8738323113"));
}

TEST(CryptoKdf, KdfEOneBlockAndOddBits) {
  const Buffer z(32, 'z');
  EXPECT_EQ(Plain(KdfE(AlgId::kSha256, z, "SECRET", Counting(0), Counting(16), 256)),
            Hex("96ba93a9ab897c3abda0ae337271d43ec743845d42153f77456f5db9db47da31"));
  EXPECT_EQ(Plain(KdfE(AlgId::kSha256, z, "SECRET", Counting(0), Counting(16), 517)),
            Hex("16ba93a9ab897c3abda0ae337271d43ec743845d42153f77456f5db9db47da31"
                "e93e53d2fa0d9791142598ab2f34811bca438370c0d02bf52f367c58f324fc28ca"));
}

TEST(CryptoKdf, KdfAIntoWithAKeptKeyEqualsKdfA) {
  const HmacKey key(AlgId::kSha384, Text("session key and auth value"));
  for (uint32_t bits : {1u, 8u, 128u, 256u, 384u, 385u, 1000u}) {
    Buffer out((bits + 7) / 8);
    KdfAInto(key, "ATH", Counting(3), {}, bits, out);
    EXPECT_EQ(out, Plain(KdfA(AlgId::kSha384, Text("session key and auth value"), "ATH",
                              Counting(3), {}, bits)));
  }
}

TEST(CryptoKdf, RefusesABufferOfAnotherLengthAndUnknownHashes) {
  const HmacKey key(AlgId::kSha256, Text("key"));
  Buffer out(17);
  for (uint32_t bits : {128u, 137u}) {
    ExpectError(ErrorCode::kInvalidArgument, [&] { KdfAInto(key, "CFB", {}, {}, bits, out); });
  }
  EXPECT_EQ(out, Buffer(17));
  ExpectError(ErrorCode::kNotSupported, [] { KdfA(AlgId::kNull, {}, "CFB", {}, {}, 128); });
  ExpectError(ErrorCode::kNotSupported, [] { KdfE(AlgId::kNull, {}, "CFB", {}, {}, 128); });
}

TEST(CryptoKdf, NoBitsAreNoOctets) {
  EXPECT_TRUE(KdfA(AlgId::kSha256, Text("key"), "XOR", {}, {}, 0).empty());
  EXPECT_TRUE(KdfE(AlgId::kSha256, Text("z"), "XOR", {}, {}, 0).empty());
}

}  // namespace
}  // namespace tpm2::crypto

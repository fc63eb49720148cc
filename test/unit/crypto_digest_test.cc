#include "crypto_vectors.h"

namespace tpm2::crypto {
namespace {

struct HashCase {
  AlgId id;
  size_t size;
  const char* abc;  // FIPS 180-4 and FIPS 202 examples, message "abc"
};
const HashCase kHashCases[] = {
    {AlgId::kSha1, 20, "a9993e364706816aba3e25717850c26c9cd0d89d"},
    {AlgId::kSha256, 32, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"},
    {AlgId::kSha384, 48,
     "cb00753f45a35e8bb5a03d699ac65007272c32ab0eded1631a8b605a43ff5bed"
     "8086072ba1e7cc2358baeca134c825a7"},
    {AlgId::kSha512, 64,
     "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a"
     "2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f"},
    {AlgId::kSha3_256, 32, "3a985da74fe225b2045c172d6bd390bd855f086e3e9d525b46bfe24511431532"},
    {AlgId::kSha3_384, 48,
     "ec01498288516fc926459f58e2c6ad8df9b473cb0fc08c2596da7cf0e49be4b2"
     "98d88cea927ac7f539f1edf228376d25"},
    {AlgId::kSha3_512, 64,
     "b751850b1a57168a5693cd924b6b096e08f621827444f70d884f5d0240d2712e"
     "10e116e9192af3c91a7ec57647e3934057340b4cf408d5a56592f8274eec53f0"},
};

TEST(CryptoDigest, PublishedExamples) {
  for (const HashCase& one : kHashCases) {
    EXPECT_EQ(DigestSize(one.id), one.size);
    EXPECT_EQ(Digest(one.id, {Text("abc")}), Hex(one.abc));
    EXPECT_EQ(Digest(one.id, {Text("a"), {}, Text("bc")}), Hex(one.abc));
  }
  EXPECT_EQ(Digest(AlgId::kSha256, {}),
            Hex("e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"));
}

TEST(CryptoDigest, RepeatedUseOfPooledContextsGivesTheSame) {
  for (int i = 0; i < 20; ++i) {
    for (const HashCase& one : kHashCases) {
      EXPECT_EQ(Digest(one.id, {Text("abc")}), Hex(one.abc));
    }
  }
}

TEST(CryptoDigest, IntoALongerBufferAndOverItsOwnInput) {
  Buffer out(70, 0xee);
  const Buffer abc = Text("abc");
  std::copy(abc.begin(), abc.end(), out.begin());
  EXPECT_EQ(DigestInto(AlgId::kSha256, {ByteView(out).first(3)}, out), 32u);
  EXPECT_EQ(Buffer(out.begin(), out.begin() + 32), Hex(kHashCases[1].abc));
  EXPECT_EQ(Buffer(out.begin() + 32, out.end()), Buffer(38, 0xee));
}

TEST(CryptoDigest, RefusesShortBuffersAndUnknownHashes) {
  Buffer out(31, 0xee);
  ExpectError(ErrorCode::kInvalidArgument, [&] { DigestInto(AlgId::kSha256, {Text("abc")}, out); });
  ExpectError(ErrorCode::kInvalidArgument,
              [&] { HmacInto(AlgId::kSha256, Text("k"), {Text("abc")}, out); });
  EXPECT_EQ(out, Buffer(31, 0xee));
  for (AlgId id : {AlgId::kNull, AlgId::kError, AlgId::kAes, AlgId{0x7777}}) {
    EXPECT_EQ(DigestSize(id), 0u);
    ExpectError(ErrorCode::kNotSupported, [&] { Digest(id, {Text("abc")}); });
    ExpectError(ErrorCode::kNotSupported, [&] { Hmac(id, Text("key"), {Text("abc")}); });
  }
}

struct MacCase {
  const char* name;
  Buffer key, data;
  const char *sha256, *sha384, *sha512;
};

// RFC 4231, test cases 1 to 4, 6 and 7.
std::vector<MacCase> Rfc4231() {
  return {
      {"1", Buffer(20, 0x0b), Text("Hi There"),
       "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7",
       "afd03944d84895626b0825f4ab46907f15f9dadbe4101ec682aa034c7cebc59c"
       "faea9ea9076ede7f4af152e8b2fa9cb6",
       "87aa7cdea5ef619d4ff0b4241a1d6cb02379f4e2ce4ec2787ad0b30545e17cde"
       "daa833b7d6b8a702038b274eaea3f4e4be9d914eeb61f1702e696c203a126854"},
      {"2", Text("Jefe"), Text("what do ya want for nothing?"),
       "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843",
       "af45d2e376484031617f78d2b58a6b1b9c7ef464f5a01b47e42ec3736322445e"
       "8e2240ca5e69e2c78b3239ecfab21649",
       "164b7a7bfcf819e2e395fbe73b56e0a387bd64222e831fd610270cd7ea250554"
       "9758bf75c05a994a6d034f65f8f0e6fdcaeab1a34d4a6b4b636e070a38bce737"},
      {"3", Buffer(20, 0xaa), Buffer(50, 0xdd),
       "773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe",
       "88062608d3e6ad8a0aa2ace014c8a86f0aa635d947ac9febe83ef4e55966144b"
       "2a5ab39dc13814b94e3ab6e101a34f27",
       "fa73b0089d56a284efb0f0756c890be9b1b5dbdd8ee81a3655f83e33b2279d39"
       "bf3e848279a722c806b485a47e67c807b946a337bee8942674278859e13292fb"},
      {"4", Hex("0102030405060708090a0b0c0d0e0f10111213141516171819"), Buffer(50, 0xcd),
       "82558a389a443c0ea4cc819899f2083a85f0faa3e578f8077a2e3ff46729665b",
       "3e8a69b7783c25851933ab6290af6ca77a9981480850009cc5577c6e1f573b4e"
       "6801dd23c4a7d679ccf8a386c674cffb",
       "b0ba465637458c6990e5a8c5f61d4af7e576d97ff94b872de76f8050361ee3db"
       "a91ca5c11aa25eb4d679275cc5788063a5f19741120c4f2de2adebeb10a298dd"},
      {"6", Buffer(131, 0xaa), Text("Test Using Larger Than Block-Size Key - Hash Key First"),
       "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54",
       "4ece084485813e9088d2c63a041bc5b44f9ef1012a2b588f3cd11f05033ac4c6"
       "0c2ef6ab4030fe8296248df163f44952",
       "80b24263c7c1a3ebb71493c1dd7be8b49b46d1f41b4aeec1121b013783f8f352"
       "6b56d037e05f2598bd0fd2215d6a1e5295e64f73f63f0aec8b915a985d786598"},
      {"7", Buffer(131, 0xaa),
       Text("This is a test using a larger than block-size key and a larger than block-size data. "
            "The key needs to be hashed before being used by the HMAC algorithm."),
       "9b09ffa71b942fcb27635fbcd5b0e944bfdc63644f0713938a7f51535c3a35e2",
       "6617178e941f020d351e2f254e8fd32c602420feb0b8fb9adccebb82461e99c5"
       "a678cc31e799176d3860e6110c46523e",
       "e37b6a775dc87dbaa4dfa9f96e5e3ffddebd71f8867289865df5a32d20cdc944"
       "b6022cac3c4982b10d5eeb55c3e4de15134676fb6de0446065c97440fa8c6a58"},
  };
}

TEST(CryptoHmac, Rfc4231) {
  for (const MacCase& one : Rfc4231()) {
    SCOPED_TRACE(one.name);
    EXPECT_EQ(Plain(Hmac(AlgId::kSha256, one.key, {one.data})), Hex(one.sha256));
    EXPECT_EQ(Plain(Hmac(AlgId::kSha384, one.key, {one.data})), Hex(one.sha384));
    EXPECT_EQ(Plain(Hmac(AlgId::kSha512, one.key, {one.data})), Hex(one.sha512));
  }
}

TEST(CryptoHmac, Rfc2202Sha1) {
  EXPECT_EQ(Plain(Hmac(AlgId::kSha1, Text("Jefe"), {Text("what do ya want for nothing?")})),
            Hex("effcdf6ae5eb2fa2d27416d5f184df9c259a7c79"));
}

TEST(CryptoHmac, EmptyKeyIsNotTheKeyOfBefore) {
  const Buffer empty_key_empty_message =
      Hex("b613679a0814d9ec772f95d778c35fc5ff1697c493715653c6c712144292c5ad");
  EXPECT_EQ(Plain(Hmac(AlgId::kSha256, {}, {})), empty_key_empty_message);
  Hmac(AlgId::kSha256, Text("another key"), {Text("data")});
  EXPECT_EQ(Plain(Hmac(AlgId::kSha256, {}, {})), empty_key_empty_message);
  const Buffer empty;
  EXPECT_EQ(Plain(Hmac(AlgId::kSha256, empty, {ByteView(empty)})), empty_key_empty_message);
}

TEST(CryptoHmac, OneKeyServesSeveralMacs) {
  const auto cases = Rfc4231();
  HmacKey key(AlgId::kSha256, cases[4].key);
  EXPECT_EQ(key.size(), 32u);
  Buffer out(32);
  for (int i = 0; i < 3; ++i) {
    for (size_t which : {4, 5}) {
      EXPECT_EQ(key.Into({cases[which].data}, out), 32u);
      EXPECT_EQ(out, Hex(cases[which].sha256));
    }
  }
  HmacKey moved = std::move(key);
  moved.Into({cases[4].data}, out);
  EXPECT_EQ(out, Hex(cases[4].sha256));
}

TEST(CryptoHmac, MoreKeysAtOnceThanThePoolHolds) {
  const MacCase one = Rfc4231()[1];
  for (int round = 0; round < 2; ++round) {
    std::vector<HmacKey> keys;
    keys.reserve(9);
    for (int i = 0; i < 9; ++i) keys.emplace_back(AlgId::kSha256, one.key);
    for (const HmacKey& key : keys) {
      Buffer out(32);
      key.Into({one.data}, out);
      EXPECT_EQ(out, Hex(one.sha256));
    }
  }
}

TEST(CryptoMisc, ConstantTimeEqualComparesAllOctets) {
  const Buffer a = Hex("00112233");
  EXPECT_TRUE(ConstantTimeEqual(a, Hex("00112233")));
  EXPECT_TRUE(ConstantTimeEqual({}, {}));
  EXPECT_FALSE(ConstantTimeEqual(a, Hex("001122")));
  for (size_t i = 0; i < a.size(); ++i) {
    Buffer b = a;
    b[i] ^= 1;
    EXPECT_FALSE(ConstantTimeEqual(a, b));
  }
}

TEST(CryptoMisc, RandomFillsTheWholeBufferAnew) {
  Buffer a(64), b(64);
  Random(a);
  Random(b);
  EXPECT_NE(a, b);
  Random({});
  // Each octet becomes something else than zero in one of 64 tries (fails once in 2^506).
  Buffer seen(64);
  for (int i = 0; i < 64; ++i) {
    Random(a);
    for (size_t j = 0; j < a.size(); ++j) seen[j] |= a[j];
  }
  EXPECT_EQ(std::count(seen.begin(), seen.end(), 0), 0);
}

TEST(CryptoMisc, VersionNamesOpenSsl3) {
  EXPECT_EQ(OpenSslVersion().rfind("OpenSSL 3.", 0), 0u) << OpenSslVersion();
}

}  // namespace
}  // namespace tpm2::crypto

#include "crypto_vectors.h"

namespace tpm2::crypto {
namespace {

// SP 800-38A, F.3.13 to F.3.18: CFB128.
const char kIv[] = "000102030405060708090a0b0c0d0e0f";
const char kPlain[] =
    "6bc1bee22e409f96e93d7e117393172aae2d8a571e03ac9c9eb76fac45af8e51"
    "30c81c46a35ce411e5fbc1191a0a52eff69f2445df4f9b17ad2b417be66c3710";
struct CfbCase {
  const char *key, *cipher;
};
const CfbCase kCases[] = {
    {"2b7e151628aed2a6abf7158809cf4f3c",
     "3b3fd92eb72dad20333449f8e83cfb4ac8a64537a0b3a93fcde3cdad9f1ce58b"
     "26751f67a3cbb140b1808cf187a4f4dfc04b05357c5d1c0eeac4c66f9ff7f2e6"},
    {"8e73b0f7da0e6452c810f32b809079e562f8ead2522c6b7b",
     "cdc80d6fddf18cab34c25909c99a417467ce7f7f81173621961a2b70171d3d7a"
     "2e1e8a1dd59b88b1c8e60fed1efac4c9c05f9f9ca9834fa042ae8fba584b09ff"},
    {"603deb1015ca71be2b73aef0857d77811f352c073b6108d72d9810a30914dff4",
     "dc7e84bfda79164b7ecd8486985d386039ffed143b28b1c832113c6331e5407b"
     "df10132415e54b92a13ed0a8267ae2f975a385741ab9cef82031623d55b1e471"},
};

TEST(CryptoAesCfb, PublishedVectorsAtEveryLength) {
  for (const CfbCase& one : kCases) {
    const Buffer plain = Hex(kPlain), cipher = Hex(one.cipher);
    for (size_t size = 0; size <= plain.size(); ++size) {
      Buffer data(plain.begin(), plain.begin() + static_cast<std::ptrdiff_t>(size));
      AesCfbEncrypt(Hex(one.key), Hex(kIv), data);
      EXPECT_TRUE(std::equal(data.begin(), data.end(), cipher.begin())) << size;
      AesCfbDecrypt(Hex(one.key), Hex(kIv), data);
      EXPECT_TRUE(std::equal(data.begin(), data.end(), plain.begin())) << size;
    }
  }
}

TEST(CryptoAesCfb, RefusesOtherLengthsOfKeyAndIv) {
  Buffer data(5, 7);
  for (size_t size : {0, 8, 15, 17, 20, 31, 33, 64}) {
    ExpectError(ErrorCode::kInvalidArgument, [&] { AesCfbEncrypt(Buffer(size), Hex(kIv), data); });
  }
  for (size_t size : {0, 15, 17}) {
    ExpectError(ErrorCode::kInvalidArgument,
                [&] { AesCfbDecrypt(Buffer(16), Buffer(size), data); });
  }
  EXPECT_EQ(data, Buffer(5, 7));
}

}  // namespace
}  // namespace tpm2::crypto

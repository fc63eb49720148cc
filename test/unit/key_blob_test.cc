// What a wrapped key says of itself, without a TPM.
#include <gtest/gtest.h>

#include "client/templates.h"
#include "tpm2/operations/keys.h"

namespace tpm2 {
namespace {

// Of a public area as a TPM would give it out; the private part is not looked into.
op::KeyBlobInfo InfoOf(const Public& area) {
  op::ParseKeyBlob request;
  request.blob.public_area = ToBytes(Sized<Public>{area}, "TPM2B_PUBLIC");
  request.blob.private_area = ToBytes(Private(Buffer(100, 1)), "TPM2B_PRIVATE");
  return Run(request);
}

TEST(KeyBlobTest, TheSizeOfAnRsaModulusIsThatOfItsCipherTexts) {
  templates::KeyTemplate wanted;
  wanted.rsa = true;
  wanted.decrypt = true;
  Public area = templates::ApplicationKey(wanted);
  for (const uint32_t size : {256u, 384u}) {
    area.parameters.get_if<AlgId::kRsa>()->key_bits = static_cast<uint16_t>(8 * size);
    *area.unique.get_if<AlgId::kRsa>() = RsaModulus(Buffer(size, 0xc5));
    EXPECT_EQ(InfoOf(area).modulus_size, size);
  }
}

TEST(KeyBlobTest, AnEllipticCurveKeyHasNoModulus) {
  Public area = templates::ApplicationKey({});
  // The base point of P-256.
  EccPoint& point = *area.unique.get_if<AlgId::kEcc>();
  point.x = EccParameter(Buffer{0x6b, 0x17, 0xd1, 0xf2, 0xe1, 0x2c, 0x42, 0x47, 0xf8, 0xbc, 0xe6,
                                0xe5, 0x63, 0xa4, 0x40, 0xf2, 0x77, 0x03, 0x7d, 0x81, 0x2d, 0xeb,
                                0x33, 0xa0, 0xf4, 0xa1, 0x39, 0x45, 0xd8, 0x98, 0xc2, 0x96});
  point.y = EccParameter(Buffer{0x4f, 0xe3, 0x42, 0xe2, 0xfe, 0x1a, 0x7f, 0x9b, 0x8e, 0xe7, 0xeb,
                                0x4a, 0x7c, 0x0f, 0x9e, 0x16, 0x2b, 0xce, 0x33, 0x57, 0x6b, 0x31,
                                0x5e, 0xce, 0xcb, 0xb6, 0x40, 0x68, 0x37, 0xbf, 0x51, 0xf5});
  const op::KeyBlobInfo info = InfoOf(area);
  EXPECT_EQ(info.type, "ecc");
  EXPECT_FALSE(info.modulus_size.has_value());
}

}  // namespace
}  // namespace tpm2

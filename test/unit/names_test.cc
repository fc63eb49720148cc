#include "codec/names.h"

#include <gtest/gtest.h>

#include <set>
#include <string>

namespace tpm2 {
namespace {

TEST(CommandName, FollowsPartThree) {
  EXPECT_EQ(CommandName(CommandCode::kNvUndefineSpaceSpecial), "TPM2_NV_UndefineSpaceSpecial");
  EXPECT_EQ(CommandName(CommandCode::kLoad), "TPM2_Load");
  EXPECT_EQ(CommandName(CommandCode::kPcrRead), "TPM2_PCR_Read");
  EXPECT_EQ(CommandName(CommandCode::kPolicyOr), "TPM2_PolicyOR");
  EXPECT_EQ(CommandName(CommandCode::kPolicyAuthorizeNv), "TPM2_PolicyAuthorizeNV");
  EXPECT_EQ(CommandName(CommandCode::kEccDecrypt), "TPM2_ECC_Decrypt");
  EXPECT_EQ(CommandName(CommandCode{0x1aa}), "TPM2_SignSequenceStart");
}

TEST(CommandName, IsEmptyForHolesAndVendorCommands) {
  for (const uint32_t code : {0u, 0x11eu, 0x123u, 0x15au, 0x15fu, 0x166u, 0x175u, 0x1a2u, 0x1abu,
                              0x20000000u, 0xffffffffu}) {
    EXPECT_EQ(CommandName(static_cast<CommandCode>(code)), "") << std::hex << code;
  }
}

TEST(CommandName, IsUnique) {
  std::set<std::string_view> names;
  for (uint32_t code = 0; code < 0x400; ++code) {
    const std::string_view name = CommandName(static_cast<CommandCode>(code));
    if (name.empty()) continue;
    EXPECT_TRUE(name.starts_with("TPM2_")) << name;
    EXPECT_TRUE(names.insert(name).second) << name;
  }
  EXPECT_EQ(names.size(), 0x1aau - 0x11fu + 1 - 6);  // the six holes tested above
}

TEST(AlgorithmName, FollowsTpm2Tools) {
  EXPECT_EQ(AlgorithmName(AlgId::kRsa), "rsa");
  EXPECT_EQ(AlgorithmName(AlgId::kSha1), "sha1");
  EXPECT_EQ(AlgorithmName(AlgId::kSha256), "sha256");
  EXPECT_EQ(AlgorithmName(AlgId::kRsaSsa), "rsassa");
  EXPECT_EQ(AlgorithmName(AlgId::kEcdsa), "ecdsa");
  EXPECT_EQ(AlgorithmName(AlgId::kNull), "null");
  EXPECT_EQ(AlgorithmName(AlgId::kKdf1Sp800_108), "kdf1_sp800_108");
  EXPECT_EQ(AlgorithmName(AlgId::kError), "");
  EXPECT_EQ(AlgorithmName(AlgId{0x0002}), "");
  EXPECT_EQ(AlgorithmName(AlgId{0xffff}), "");
}

TEST(CurveName, IsNistsForNistCurves) {
  EXPECT_EQ(CurveName(EccCurve::kNistP192), "P-192");
  EXPECT_EQ(CurveName(EccCurve::kNistP256), "P-256");
  EXPECT_EQ(CurveName(EccCurve::kNistP521), "P-521");
  EXPECT_EQ(CurveName(EccCurve::kBnP256), "BN_P256");
  EXPECT_EQ(CurveName(EccCurve::kSm2P256), "SM2_P256");
  EXPECT_EQ(CurveName(EccCurve::kNone), "");
  EXPECT_EQ(CurveName(EccCurve{0x0006}), "");
}

TEST(HashFromName, IsTheInverseOfAlgorithmName) {
  for (const AlgId hash : {AlgId::kSha1, AlgId::kSha256, AlgId::kSha384, AlgId::kSha512,
                           AlgId::kSm3_256, AlgId::kSha3_256, AlgId::kSha3_384, AlgId::kSha3_512}) {
    EXPECT_EQ(HashFromName(AlgorithmName(hash)), hash) << AlgorithmName(hash);
  }
  EXPECT_EQ(HashFromName("sha3-256"), AlgId::kSha3_256);
  EXPECT_EQ(HashFromName("sha3-512"), AlgId::kSha3_512);
}

TEST(HashFromName, RefusesWhatIsNoHash) {
  for (const std::string_view name : {"", "rsa", "hmac", "null", "error", "sha", "sha2", "sha-256",
                                      "SHA256", "sha256 ", "sha25", "sha2566", "sha256_192"}) {
    EXPECT_EQ(HashFromName(name), AlgId::kError) << name;
  }
}

TEST(PropertyName, FollowsPartTwo) {
  EXPECT_EQ(PropertyName(pt::kFamilyIndicator), "TPM_PT_FAMILY_INDICATOR");
  EXPECT_EQ(PropertyName(pt::kManufacturer), "TPM_PT_MANUFACTURER");
  EXPECT_EQ(PropertyName(pt::kVendorString4), "TPM_PT_VENDOR_STRING_4");
  EXPECT_EQ(PropertyName(pt::kNvIndexMax), "TPM_PT_NV_INDEX_MAX");
  EXPECT_EQ(PropertyName(pt::kMaxDigest), "TPM_PT_MAX_DIGEST");
  EXPECT_EQ(PropertyName(pt::kNvBufferMax), "TPM_PT_NV_BUFFER_MAX");
  EXPECT_EQ(PropertyName(pt::kPermanent), "TPM_PT_PERMANENT");
  EXPECT_EQ(PropertyName(pt::kLockoutCounter), "TPM_PT_LOCKOUT_COUNTER");
  EXPECT_EQ(PropertyName(pt::kLockoutRecovery), "TPM_PT_LOCKOUT_RECOVERY");
  EXPECT_EQ(PropertyName(0x214), "TPM_PT_AUDIT_COUNTER_1");
}

TEST(PropertyName, IsEmptyOutsideTheTwoGroups) {
  for (const uint32_t property : {0u, 0xffu, 0x115u, 0x132u, 0x1ffu, 0x215u, 0x300u}) {
    EXPECT_EQ(PropertyName(property), "") << std::hex << property;
  }
}

}  // namespace
}  // namespace tpm2

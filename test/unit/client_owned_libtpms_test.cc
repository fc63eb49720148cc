// A TPM whose owner has an auth value that the caller does not know: what takes no owner works all
// the same, in sessions that are salted to an endorsement key.
#include <gtest/gtest.h>

#include "client/templates.h"
#include "support/scripted_transport.h"
#include "support/test_tpm.h"
#include "tpm2/commands/nv.h"
#include "tpm2/operations/keys.h"
#include "tpm2/operations/nv.h"
#include "tpm2/operations/system.h"

namespace tpm2::testing {
namespace {

using Handles = std::vector<uint32_t>;
using N = NvAttributes;
constexpr uint32_t kCreatePrimary = 0x131;
constexpr uint32_t kStartAuthSession = 0x176;
constexpr uint32_t kIndex = 0x01800100;
constexpr uint32_t kPlatformIndex = 0x01400100;
constexpr uint32_t kEkCertificate = 0x01c00002;
constexpr std::string_view kOwner = "owner password";
constexpr std::string_view kPassword = "index password";
constexpr std::string_view kData = "data of the index";

class OwnedTest : public ::testing::Test {
 protected:
  OwnedTest() {
    parent_name = NameOfParent();
    DefineIndex(kIndex, N::kAuthRead | N::kAuthWrite | N::kNoDa, kPassword);
  }
  void TearDown() override {
    tpm.client().Close();
    EXPECT_EQ(tpm.Loaded(), Handles());
  }

  void Own() { tpm.SetHierarchyAuth(rh::kOwner, BytesOfText(kOwner)); }

  Buffer NameOfParent() {
    op::ReadPublicOp request;
    request.handle = tpm.MakePrimary(templates::StorageParent());
    const Buffer name = tpm.Do(request).name;
    tpm.FlushAll();
    tpm.NewClient();
    return name;
  }
  // By the owner, whose auth is still empty, or the platform.
  void DefineIndex(uint32_t handle, N attributes, std::string_view password = {}) {
    NvDefineSpace command;
    const bool platform = Has(attributes, N::kPlatformCreate);
    command.auth_handle = Entity::Of(platform ? rh::kPlatform : rh::kOwner);
    command.auth = ByteView(BytesOfText(password));
    command.public_info->nv_index = handle;
    command.public_info->name_alg = AlgId::kSha256;
    command.public_info->attributes = attributes;
    command.public_info->data_size = static_cast<uint16_t>(kData.size());
    tpm.direct().Run(command);
  }
  void WriteAsPlatform(uint32_t handle, const Buffer& data) {
    NvWrite command;
    command.auth_handle = Entity::Of(rh::kPlatform);
    command.nv_index = Entity{handle, Name()};
    command.data = ByteView(data);
    tpm.direct().Run(command);
  }

  static op::NvWriteOp Write() {
    op::NvWriteOp request;
    request.handle = kIndex;
    request.data = SecretOf(kData);
    request.auth = SecretOf(kPassword);
    return request;
  }
  static op::NvReadOp Read(std::string_view password = kPassword) {
    op::NvReadOp request;
    request.handle = kIndex;
    request.auth = SecretOf(password);
    return request;
  }
  // With a persistent key of the endorsement hierarchy.
  void UsePersistent(const Public& area) {
    tpm.Persist(tpm.MakePrimary(area, rh::kEndorsement), 0x81010001);
    Own();
    tpm.Do(Write());
    EXPECT_EQ(tpm.Do(Read()), SecretOf(kData));
    ExpectNothingShown();
  }
  void ExpectNothingShown() {
    for (const std::string_view secret : {kOwner, kPassword, kData}) {
      EXPECT_FALSE(tpm.recording().CommandsContain(BytesOfText(secret))) << secret;
      EXPECT_FALSE(tpm.recording().ResponsesContain(BytesOfText(secret))) << secret;
    }
  }

  TestTpm tpm;
  Buffer parent_name;
};

TEST_F(OwnedTest, APasswordIndexTakesNoOwner) {
  Own();
  tpm.Do(Write());
  EXPECT_EQ(tpm.Do(Read()), SecretOf(kData));
  // The owner's was refused, the endorsement key was made, used once for the salt, and flushed.
  EXPECT_EQ(tpm.recording().count(kCreatePrimary), 2u);
  EXPECT_EQ(tpm.recording().count(kStartAuthSession), 1u);
  EXPECT_EQ(tpm.Handles(0x80000000), Handles());
  EXPECT_EQ(tpm.CostOf(Read()), 2u);
  ExpectNothingShown();
  EXPECT_EQ(tpm.FailureOf(Read("wrong")).command, "TPM2_NV_Read");
  EXPECT_EQ(tpm.Do(Read()), SecretOf(kData));
}

TEST_F(OwnedTest, APlatformIndexTakesNoOwner) {
  DefineIndex(kPlatformIndex, N::kPpRead | N::kPpWrite | N::kPlatformCreate);
  WriteAsPlatform(kPlatformIndex, BytesOfText(kData));
  Own();
  op::NvReadOp read;
  read.handle = kPlatformIndex;
  EXPECT_EQ(tpm.Do(read), SecretOf(kData));
  ExpectNothingShown();
}

TEST_F(OwnedTest, APersistentEndorsementKeyIsTaken) {
  UsePersistent(templates::EndorsementKeyEcc());
  EXPECT_EQ(tpm.recording().count(kCreatePrimary), 1u);
}

TEST_F(OwnedTest, APersistentEndorsementKeyMayBeRsa) {
  UsePersistent(templates::EndorsementKeyRsa());
  EXPECT_EQ(tpm.recording().count(kCreatePrimary), 1u);
}

TEST_F(OwnedTest, AnotherPersistentKeyOfTheEndorsementHierarchyIsNotTaken) {
  UsePersistent(templates::StorageParent());
  EXPECT_EQ(tpm.recording().count(kCreatePrimary), 2u);
}

TEST_F(OwnedTest, TheLockoutAuthTakesNoOwner) {
  Own();
  tpm.SetHierarchyAuth(rh::kLockout, BytesOfText("lockout password"));
  op::LockoutReset reset;
  reset.lockout_auth = SecretOf("lockout password");
  tpm.Do(reset);
  EXPECT_FALSE(tpm.recording().CommandsContain(BytesOfText("lockout password")));
  reset.lockout_auth = SecretOf("");
  EXPECT_EQ(tpm.FailureOf(reset).command, "TPM2_DictionaryAttackLockReset");
}

// Whoever reads the certificate of an owned TPM has no auth value of it.
TEST_F(OwnedTest, TheEndorsementCertificateTakesNoAuth) {
  DefineIndex(kEkCertificate, N::kPpRead | N::kPpWrite | N::kOwnerRead | N::kAuthRead | N::kNoDa |
                                  N::kPlatformCreate);
  Buffer certificate = FromHex("300f");
  certificate.resize(kData.size(), 7);
  WriteAsPlatform(kEkCertificate, certificate);
  Own();
  EXPECT_EQ(tpm.Do(op::EkCertificate()), certificate);
  op::NvReadOp read;
  read.handle = kEkCertificate;
  EXPECT_EQ(tpm.Do(read), SecretBytes(certificate.begin(), certificate.end()));
  // No secret, so no session.
  EXPECT_EQ(tpm.recording().count(kStartAuthSession), 0u);
}

TEST_F(OwnedTest, WhatNeedsTheParentStillNeedsTheOwner) {
  Own();
  const Error error = tpm.FailureOf(op::KeyCreate());
  EXPECT_EQ(error.code, ErrorCode::kAuthFailed);
  EXPECT_EQ(error.command, "TPM2_CreatePrimary");
  op::Seal seal;
  seal.data = SecretOf("data");
  seal.auth = SecretOf("auth");
  EXPECT_EQ(tpm.FailureOf(seal).command, "TPM2_CreatePrimary");
  // No endorsement key was made for what could not succeed.
  EXPECT_EQ(tpm.recording().count(kCreatePrimary), 2u);
  EXPECT_EQ(tpm.recording().count(kStartAuthSession), 0u);
  // Nor does a session that is there already change that.
  tpm.Do(Write());
  EXPECT_EQ(tpm.FailureOf(seal).command, "TPM2_CreatePrimary");
  tpm.options.owner_auth = SecretOf(kOwner);
  EXPECT_FALSE(tpm.Do(seal).empty());
  EXPECT_EQ(tpm.Do(Read()), SecretOf(kData));
  ExpectNothingShown();
}

TEST_F(OwnedTest, AnOwnersIndexStillNeedsTheOwner) {
  Own();
  op::NvDefineOp define;
  define.handle = kIndex + 1;
  define.size = static_cast<uint32_t>(kData.size());
  define.auth = SecretOf(kPassword);
  EXPECT_EQ(tpm.FailureOf(define).command, "TPM2_NV_DefineSpace");
  for (const std::string_view wrong : {"wrong", ""}) {
    define.owner_auth = SecretOf(wrong);
    EXPECT_EQ(tpm.FailureOf(define).code, ErrorCode::kAuthFailed);
  }
  define.owner_auth = SecretOf(kOwner);
  tpm.Do(define);
  ExpectNothingShown();
}

// The pin says to which key alone secrets may go.
TEST_F(OwnedTest, APinIsNeverServedByAnEndorsementKey) {
  Own();
  tpm.options.parent_name = parent_name;
  const Error refused = tpm.FailureOf(Write());
  EXPECT_EQ(refused.code, ErrorCode::kAuthFailed);
  EXPECT_EQ(refused.command, "TPM2_CreatePrimary");
  EXPECT_EQ(tpm.recording().count(kCreatePrimary), 1u);

  // Another handle, without a pin, has had such a session started.
  tpm.options.parent_name.reset();
  tpm.Do(Write());
  EXPECT_EQ(tpm.recording().count(kStartAuthSession), 1u);
  tpm.options.parent_name = parent_name;
  EXPECT_EQ(tpm.FailureOf(Read()).command, "TPM2_CreatePrimary");
  tpm.options.owner_auth = SecretOf(kOwner);
  EXPECT_EQ(tpm.Do(Read()), SecretOf(kData));
  EXPECT_EQ(tpm.CostOf(Read()), 2u);
  // And again after the parent is there: it is the session that counts, not what is loaded.
  tpm.client().Close();
  tpm.options.parent_name.reset();
  tpm.options.owner_auth.clear();
  tpm.Do(Write());
  tpm.options.owner_auth = SecretOf(kOwner);
  tpm.Do(op::KeyCreate());
  EXPECT_EQ(tpm.recording().count(kStartAuthSession), 1u);
  tpm.options.parent_name = parent_name;
  EXPECT_EQ(tpm.Do(Read()), SecretOf(kData));
  EXPECT_EQ(tpm.recording().count(kStartAuthSession), 2u);
  tpm.options.parent_name->back() ^= 1;
  EXPECT_EQ(tpm.FailureOf(Read()).code, ErrorCode::kIntegrity);
  ExpectNothingShown();
}

TEST_F(OwnedTest, TheEndorsementHierarchyMayBeOwnedToo) {
  Own();
  tpm.SetHierarchyAuth(rh::kEndorsement, BytesOfText("endorsement password"));
  EXPECT_EQ(tpm.FailureOf(Write()).code, ErrorCode::kAuthFailed);
  tpm.options.endorsement_auth = SecretOf("endorsement password");
  tpm.Do(Write());
  EXPECT_FALSE(tpm.recording().CommandsContain(BytesOfText("endorsement password")));
  // Without encryption nothing is salted, so neither is needed.
  tpm.options.endorsement_auth.clear();
  tpm.options.encrypt = false;
  EXPECT_EQ(tpm.Do(Read()), SecretOf(kData));
}

TEST_F(OwnedTest, NothingStaysWhereHoldingCosts) {
  tpm.chip().mutable_traits().swaps_every_command = true;
  tpm.chip().mutable_traits().resource_managed = true;
  Own();
  tpm.Do(Write());
  EXPECT_EQ(tpm.Do(Read()), SecretOf(kData));
  EXPECT_EQ(tpm.Loaded().size(), 1u);  // the session
  tpm.client().OnIdle();
  EXPECT_EQ(tpm.Loaded(), Handles());
}

// What anybody pays on a TPM that nobody owns.
TEST_F(OwnedTest, WithoutAnOwnerTheFirstUseCostsNoMore) {
  const auto codes = [&] {
    tpm.NewClient();
    tpm.Do(Write());
    return tpm.recording().codes();
  };
  // NV_ReadPublic, GetCapability; the parent: ReadPublic, CreatePrimary; StartAuthSession,
  // NV_Write.
  EXPECT_EQ(codes(), (std::vector<uint32_t>{0x169, 0x17a, 0x173, 0x131, 0x176, 0x137}));
  tpm.PersistStorageParent();
  EXPECT_EQ(codes(), (std::vector<uint32_t>{0x169, 0x17a, 0x173, 0x176, 0x137}));
}

}  // namespace
}  // namespace tpm2::testing

// What stays loaded, what a call costs, and that nothing is left behind.
#include <gtest/gtest.h>

#include "client/templates.h"
#include "crypto/key_convert.h"
#include "support/scripted_transport.h"
#include "support/test_tpm.h"
#include "tpm2/commands/system.h"
#include "tpm2/operations/attest.h"
#include "tpm2/operations/keys.h"
#include "tpm2/operations/nv.h"
#include "tpm2/operations/system.h"

namespace tpm2::testing {
namespace {

using Handles = std::vector<uint32_t>;

// The tests look at bytes and handles; whether the signature itself is right is checked here.
void ExpectSigns(TestTpm& tpm, const op::KeySign& request, const op::CreatedKey& key) {
  crypto::PublicKey spki = crypto::DecodeSpki(key.public_key_der);
  EXPECT_TRUE(
      crypto::VerifyDigest(spki, AlgId::kEcdsa, AlgId::kSha256, request.digest, tpm.Do(request)));
}

op::KeySign SignRequest(const op::CreatedKey& key, std::string_view auth = {}) {
  op::KeySign request;
  request.blob = key.blob;
  request.digest = Buffer(32, 0x5a);
  request.auth = SecretOf(auth);
  return request;
}
op::Seal SealRequest(std::string_view data, std::string_view auth = {}) {
  op::Seal request;
  request.data = SecretOf(data);
  request.auth = SecretOf(auth);
  return request;
}
op::UnsealOp UnsealRequest(Buffer blob, std::string_view auth = {}) {
  op::UnsealOp request;
  request.blob = std::move(blob);
  request.auth = SecretOf(auth);
  return request;
}
op::QuoteOp QuoteRequest(const op::CreatedKey& ak) {
  op::QuoteOp request;
  request.blob = ak.blob;
  request.selection = {{"sha256", {0, 1, 2, 7}}};
  request.qualifying_data = BytesOfText("nonce");
  return request;
}
op::KeyCreate RsaDecryptKey() {
  op::KeyCreate request;
  request.type = "rsa";
  request.sign = false;
  request.decrypt = true;
  return request;
}

class WarmTest : public ::testing::Test {
 protected:
  void TearDown() override {
    tpm.client().Close();
    EXPECT_EQ(tpm.Loaded(), Handles());
  }
  TestTpm tpm;
};

TEST_F(WarmTest, RepeatedCallsCostOneCommand) {
  const op::CreatedKey key = tpm.Do(op::KeyCreate());
  const op::CreatedKey ak = tpm.Do(op::ProvisionAk());
  const op::CreatedKey rsa = tpm.Do(RsaDecryptKey());
  const Buffer sealed = tpm.Do(SealRequest("data", "auth"));
  op::KeyDecrypt decrypt;
  decrypt.blob = rsa.blob;
  const auto modulus = std::get<crypto::RsaPublicKey>(crypto::DecodeSpki(rsa.public_key_der));
  decrypt.cipher = crypto::RsaOaepEncrypt(modulus, AlgId::kSha256, {}, BytesOfText("plain"));

  const auto repeated = [&](const auto& request) {
    tpm.Do(request);
    return std::pair{tpm.CostOf(request), tpm.CostOf(request)};
  };
  const std::pair<size_t, size_t> one{1, 1};
  EXPECT_EQ(repeated(SignRequest(key)), one);
  EXPECT_EQ(repeated(QuoteRequest(ak)), one);
  EXPECT_EQ(repeated(decrypt), one);
  EXPECT_EQ(repeated(UnsealRequest(sealed, "auth")), one);
  EXPECT_EQ(repeated(SealRequest("more", "auth")), one);
  EXPECT_EQ(tpm.Do(decrypt), SecretOf("plain"));
  EXPECT_EQ(tpm.Do(UnsealRequest(sealed, "auth")), SecretOf("data"));
}

TEST_F(WarmTest, PersistentParentsCostTheSame) {
  tpm.PersistStorageParent();
  const op::CreatedKey key = tpm.Do(op::KeyCreate());
  const op::Seal seal = SealRequest("data");
  tpm.Do(seal);
  EXPECT_EQ(tpm.CostOf(seal), 1u);
  EXPECT_EQ(tpm.Handles(0x80000000), Handles());
  tpm.Do(SignRequest(key));
  EXPECT_EQ(tpm.CostOf(SignRequest(key)), 1u);
}

TEST_F(WarmTest, APcrBoundUnsealCostsTwoAndOneMoreWithAnAuth) {
  op::Seal request = SealRequest("data");
  request.selection = {{"sha256", {0, 7}}};
  const Buffer plain = tpm.Do(request);
  request.auth = SecretOf("auth");
  const Buffer with_auth = tpm.Do(request);
  tpm.Do(UnsealRequest(plain));
  EXPECT_EQ(tpm.CostOf(UnsealRequest(plain)), 2u);
  tpm.Do(UnsealRequest(with_auth, "auth"));
  EXPECT_EQ(tpm.CostOf(UnsealRequest(with_auth, "auth")), 3u);
}

TEST_F(WarmTest, TheFirstUseOfAKey) {
  const op::CreatedKey key = tpm.Do(op::KeyCreate());
  tpm.NewClient();
  EXPECT_LE(tpm.CostOf(SignRequest(key)), 4u);  // no persistent parent
  tpm.NewClient();
  tpm.PersistStorageParent();
  EXPECT_LE(tpm.CostOf(SignRequest(key)), 3u);
}

// What is loaded at each moment fits into three slots with one to spare for a Create.
TEST_F(WarmTest, KeepsTwoLeavesAndTheParent) {
  const op::CreatedKey a = tpm.Do(op::KeyCreate());
  const op::CreatedKey b = tpm.Do(op::KeyCreate());
  const op::CreatedKey c = tpm.Do(op::KeyCreate());
  ExpectSigns(tpm, SignRequest(a), a);
  ExpectSigns(tpm, SignRequest(b), b);
  EXPECT_EQ(tpm.Handles(0x80000000).size(), 3u);
  EXPECT_EQ(tpm.CostOf(SignRequest(a)), 1u);
  EXPECT_EQ(tpm.CostOf(SignRequest(b)), 1u);
  // The third one takes the place of the one that was used longest ago.
  EXPECT_EQ(tpm.CostOf(SignRequest(c)), 3u);  // FlushContext, Load, Sign
  EXPECT_EQ(tpm.CostOf(SignRequest(b)), 1u);
  EXPECT_GT(tpm.CostOf(SignRequest(a)), 1u);
  EXPECT_EQ(tpm.Handles(0x80000000).size(), 3u);
}

TEST_F(WarmTest, ReleaseFlushesThatKeyOnly) {
  const op::CreatedKey a = tpm.Do(op::KeyCreate());
  const op::CreatedKey b = tpm.Do(op::KeyCreate());
  tpm.Do(SignRequest(a));
  tpm.Do(SignRequest(b));
  op::KeyRelease release;
  release.blob = a.blob;
  EXPECT_EQ(tpm.CostOf(release), 1u);
  EXPECT_EQ(tpm.CostOf(release), 0u);
  EXPECT_EQ(tpm.CostOf(SignRequest(b)), 1u);
  ExpectSigns(tpm, SignRequest(a), a);
}

TEST_F(WarmTest, WorksBesideForeignObjects) {
  const op::CreatedKey key = tpm.Do(op::KeyCreate());
  const op::CreatedKey other = tpm.Do(op::KeyCreate());
  const Buffer sealed = tpm.Do(SealRequest("data", "auth"));
  tpm.NewClient();
  const uint32_t foreign = tpm.MakePrimary(templates::StorageParent(), rh::kNull);
  for (int i = 0; i < 2; ++i) {
    ExpectSigns(tpm, SignRequest(key), key);
    ExpectSigns(tpm, SignRequest(other), other);
    EXPECT_EQ(tpm.Do(UnsealRequest(sealed, "auth")), SecretOf("data"));
    EXPECT_FALSE(tpm.Do(SealRequest("data", "auth")).empty());
  }
  tpm.client().Close();
  EXPECT_EQ(tpm.Loaded(), Handles{foreign});

  const uint32_t second = tpm.MakePrimary(templates::StorageParent(), rh::kNull);
  const Error error = tpm.FailureOf(SignRequest(key));
  EXPECT_EQ(error.code, ErrorCode::kResourceExhausted) << error.message;
  EXPECT_NE(error.suggestion, "");
  tpm.client().Close();
  EXPECT_EQ(tpm.Loaded(), (Handles{foreign, second}));
  tpm.FlushAll();
  ExpectSigns(tpm, SignRequest(key), key);
}

TEST_F(WarmTest, ForeignSessionsLeaveRoomForOne) {
  const Buffer sealed = tpm.Do(SealRequest("data", "auth"));
  op::Seal bound = SealRequest("bound");
  bound.selection = {{"sha256", {3}}};
  const Buffer pcr_sealed = tpm.Do(bound);
  tpm.NewClient();
  SessionOptions plain;
  StartSession(tpm.direct(), plain);
  StartSession(tpm.direct(), plain);
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(tpm.Do(UnsealRequest(sealed, "auth")), SecretOf("data"));
    EXPECT_EQ(tpm.Do(UnsealRequest(pcr_sealed)), SecretOf("bound"));
  }
  EXPECT_EQ(tpm.Handles(0x02000000).size(), 3u);
  tpm.client().Close();
  EXPECT_EQ(tpm.Handles(0x02000000).size(), 2u);
  tpm.FlushAll();
}

TEST_F(WarmTest, AResetTpmIsLoadedAgain) {
  const op::CreatedKey key = tpm.Do(op::KeyCreate());
  const Buffer sealed = tpm.Do(SealRequest("data", "auth"));
  op::Seal bound = SealRequest("bound", "auth");
  bound.selection = {{"sha256", {16}}};
  const Buffer pcr_sealed = tpm.Do(bound);
  for (int i = 0; i < 3; ++i) {
    ExpectSigns(tpm, SignRequest(key), key);
    EXPECT_EQ(tpm.Do(UnsealRequest(sealed, "auth")), SecretOf("data"));
    EXPECT_EQ(tpm.Do(UnsealRequest(pcr_sealed, "auth")), SecretOf("bound"));
    tpm.chip().Reset();
  }
  EXPECT_FALSE(tpm.Do(SealRequest("more", "auth")).empty());
  tpm.chip().Reset();
  EXPECT_FALSE(tpm.Do(op::ProvisionAk()).blob.private_area.empty());
  EXPECT_EQ(tpm.opened(), 1u);
}

TEST_F(WarmTest, OnlyTheSessionsLapsed) {
  const Buffer sealed = tpm.Do(SealRequest("data", "auth"));
  tpm.Do(UnsealRequest(sealed, "auth"));
  for (uint32_t session : tpm.Handles(0x02000000)) {
    FlushContext flush;
    flush.flush_handle = session;
    tpm.direct().Run(flush);
  }
  EXPECT_EQ(tpm.Do(UnsealRequest(sealed, "auth")), SecretOf("data"));
}

// As on /dev/tpmrm0: at most one leaf and one session, and no parent, are left loaded.
TEST_F(WarmTest, HoldsLittleWhereHoldingCosts) {
  tpm.chip().mutable_traits().swaps_every_command = true;
  tpm.chip().mutable_traits().resource_managed = true;
  const op::CreatedKey key = tpm.Do(op::KeyCreate());
  EXPECT_EQ(tpm.Handles(0x80000000), Handles());
  const op::CreatedKey rsa = tpm.Do(RsaDecryptKey());
  const Buffer sealed = tpm.Do(SealRequest("data", "auth"));
  op::Seal bound = SealRequest("bound", "auth");
  bound.selection = {{"sha256", {16}}};
  const Buffer pcr_sealed = tpm.Do(bound);
  op::KeyDecrypt decrypt;
  decrypt.blob = rsa.blob;
  const auto modulus = std::get<crypto::RsaPublicKey>(crypto::DecodeSpki(rsa.public_key_der));
  decrypt.cipher = crypto::RsaOaepEncrypt(modulus, AlgId::kSha256, {}, BytesOfText("plain"));
  for (int i = 0; i < 2; ++i) {
    tpm.NewClient();
    ExpectSigns(tpm, SignRequest(key), key);
    EXPECT_LE(tpm.Handles(0x80000000).size(), 1u);
    EXPECT_EQ(tpm.Do(decrypt), SecretOf("plain"));
    EXPECT_EQ(tpm.CostOf(decrypt), 1u);
    EXPECT_EQ(tpm.Do(UnsealRequest(sealed, "auth")), SecretOf("data"));
    EXPECT_EQ(tpm.CostOf(UnsealRequest(sealed, "auth")), 1u);
    EXPECT_LE(tpm.Loaded().size(), 2u);
    EXPECT_EQ(tpm.Do(UnsealRequest(pcr_sealed, "auth")), SecretOf("bound"));
    EXPECT_LE(tpm.Loaded().size(), 2u);
    ExpectSigns(tpm, SignRequest(key), key);
    tpm.client().OnIdle();
    EXPECT_EQ(tpm.Loaded(), Handles());
    EXPECT_FALSE(tpm.client().HoldsObjects());
  }
}

TEST_F(WarmTest, NothingIsLeftAfterErrors) {
  const op::CreatedKey key = tpm.Do(op::KeyCreate());
  const Buffer sealed = tpm.Do(SealRequest("data", "auth"));
  op::Seal bound = SealRequest("bound");
  bound.selection = {{"sha256", {16}}};
  const Buffer pcr_sealed = tpm.Do(bound);

  op::KeySign bad_digest = SignRequest(key);
  bad_digest.digest.resize(20);
  EXPECT_NE(tpm.FailureOf(bad_digest).message, "it did not fail");

  op::KeySign altered = SignRequest(key);
  altered.blob.private_area[40] ^= 1;
  EXPECT_EQ(tpm.FailureOf(altered).code, ErrorCode::kIntegrity);

  EXPECT_EQ(tpm.FailureOf(UnsealRequest(sealed, "wrong")).code, ErrorCode::kAuthFailed);
  EXPECT_EQ(tpm.FailureOf(UnsealRequest(sealed)).code, ErrorCode::kAuthFailed);
  EXPECT_EQ(tpm.Do(UnsealRequest(sealed, "auth")), SecretOf("data"));

  op::PcrExtendOp extend;
  extend.index = 16;
  extend.bank = "sha256";
  extend.digest = Buffer(32, 1);
  tpm.Do(extend);
  const Error error = tpm.FailureOf(UnsealRequest(pcr_sealed));
  EXPECT_EQ(error.code, ErrorCode::kAuthFailed) << error.message;
  op::PcrResetOp reset;
  reset.index = 16;
  tpm.Do(reset);
  EXPECT_EQ(tpm.Do(UnsealRequest(pcr_sealed)), SecretOf("bound"));
}

// An auth value that the policy does not ask for must not spoil what comes out.
TEST_F(WarmTest, ASuperfluousAuthDoesNotChangeWhatIsUnsealed) {
  op::Seal bound = SealRequest("bound");
  bound.selection = {{"sha256", {16}}};
  const Buffer pcr_sealed = tpm.Do(bound);
  try {
    EXPECT_EQ(tpm.Do(UnsealRequest(pcr_sealed, "superfluous")), SecretOf("bound"));
  } catch (const Error& error) {
    EXPECT_EQ(error.code, ErrorCode::kAuthFailed) << error.message;
  }
}

TEST_F(WarmTest, TrailingZerosOfAnAuthDoNotCount) {
  const std::string with_zeros("auth\0\0", 6);
  const Buffer sealed = tpm.Do(SealRequest("data", with_zeros));
  EXPECT_EQ(tpm.Do(UnsealRequest(sealed, "auth")), SecretOf("data"));
  EXPECT_EQ(tpm.Do(UnsealRequest(sealed, with_zeros)), SecretOf("data"));
  const std::string only_zeros("\0\0", 2);
  const Buffer open = tpm.Do(SealRequest("data", only_zeros));
  EXPECT_EQ(tpm.Do(UnsealRequest(open)), SecretOf("data"));
  EXPECT_EQ(tpm.Do(UnsealRequest(open, only_zeros)), SecretOf("data"));
}

}  // namespace
}  // namespace tpm2::testing

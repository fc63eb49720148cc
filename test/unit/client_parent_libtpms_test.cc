// Which key is the storage parent: found, refused, made, pinned; and TPMs that somebody owns.
#include <gtest/gtest.h>

#include "client/templates.h"
#include "crypto/key_convert.h"
#include "support/scripted_transport.h"
#include "support/test_tpm.h"
#include "tpm2/operations/attest.h"
#include "tpm2/operations/keys.h"
#include "tpm2/operations/nv.h"
#include "tpm2/operations/system.h"

namespace tpm2::testing {
namespace {

using Handles = std::vector<uint32_t>;
constexpr uint32_t kCreatePrimary = 0x131;
constexpr uint32_t kReadPublic = 0x173;
constexpr uint32_t kStartAuthSession = 0x176;

class ParentTest : public ::testing::Test {
 protected:
  void TearDown() override {
    tpm.client().Close();
    EXPECT_EQ(tpm.Loaded(), Handles());
  }

  op::KeySign SignRequest() const { return SignRequest(key); }
  static op::KeySign SignRequest(const op::CreatedKey& by) {
    op::KeySign request;
    request.blob = by.blob;
    request.digest = Buffer(32, 0x5a);
    return request;
  }
  op::Seal SealRequest() const {
    op::Seal request;
    request.data = SecretOf("data");
    request.auth = SecretOf("auth");
    return request;
  }
  Buffer ParentName() {
    op::ReadPublicOp request;
    request.handle = tpm.MakePrimary(templates::StorageParent());
    const Buffer name = tpm.Do(request).name;
    tpm.client().Flush(request.handle);
    return name;
  }
  static op::UnsealOp UnsealOf(Buffer blob) {
    op::UnsealOp request;
    request.blob = std::move(blob);
    request.auth = SecretOf("auth");
    return request;
  }

  TestTpm tpm;
  op::CreatedKey key;
};

TEST_F(ParentTest, APersistentOneIsFoundByItsPublicArea) {
  tpm.PersistStorageParent();
  key = tpm.Do(op::KeyCreate());
  EXPECT_EQ(tpm.recording().count(kCreatePrimary), 0u);
  EXPECT_FALSE(tpm.Do(SignRequest()).empty());
  EXPECT_EQ(tpm.Handles(0x81000000), Handles{0x81000001});
}

TEST_F(ParentTest, APersistentOneIsFoundElsewhereToo) {
  // Another key stands in the usual place: a signing key, and no parent at all.
  tpm.Persist(tpm.MakePrimary(templates::AttestationKey(false)), 0x81000001);
  tpm.PersistStorageParent(0x81000010);
  key = tpm.Do(op::KeyCreate());
  EXPECT_EQ(tpm.recording().count(kCreatePrimary), 0u);
  EXPECT_FALSE(tpm.Do(SignRequest()).empty());
}

TEST_F(ParentTest, AForeignKeyIsNotTaken) {
  Public almost = templates::StorageParent();
  almost.attributes |= ObjectAttributes::kAdminWithPolicy;
  tpm.Persist(tpm.MakePrimary(almost), 0x81000001);
  key = tpm.Do(op::KeyCreate());
  EXPECT_EQ(tpm.recording().count(kCreatePrimary), 1u);
  // The parent that was made is the one that the template gives, whatever is persistent.
  tpm.NewClient();
  EXPECT_FALSE(tpm.Do(SignRequest()).empty());
  EXPECT_EQ(tpm.Handles(0x81000000), Handles{0x81000001});
}

// A key of the very form of ours, but from another seed (here: with another `unique`).
TEST_F(ParentTest, ALookAlikeIsFoundOutOnce) {
  key = tpm.Do(op::KeyCreate());
  const Buffer sealed = tpm.Do(SealRequest());
  tpm.NewClient();
  Public look_alike = templates::StorageParent();
  look_alike.unique.get_if<AlgId::kEcc>()->x = EccParameter(Buffer(32, 7));
  tpm.Persist(tpm.MakePrimary(look_alike), 0x81000001);
  EXPECT_FALSE(tpm.Do(SignRequest()).empty());
  EXPECT_EQ(tpm.recording().count(kCreatePrimary), 1u);
  EXPECT_EQ(tpm.Do(UnsealOf(sealed)), SecretOf("data"));
  EXPECT_FALSE(tpm.Do(op::KeyCreate()).name.empty());
  EXPECT_EQ(tpm.recording().count(kCreatePrimary), 1u);
  EXPECT_EQ(tpm.recording().count(kReadPublic), 1u);
  // A blob that no parent takes is INTEGRITY, once.
  op::KeySign altered = SignRequest();
  altered.blob.private_area[50] ^= 1;
  EXPECT_EQ(tpm.FailureOf(altered).code, ErrorCode::kIntegrity);
}

// Under a parent that is persistent the handles of its keys come again in the same order: what was
// signed by the wrong one would not be noticed by anybody here.
TEST_F(ParentTest, AHandleThatBecameAnothersSignsNothing) {
  tpm.PersistStorageParent();
  key = tpm.Do(op::KeyCreate());
  const op::CreatedKey other = tpm.Do(op::KeyCreate());
  const crypto::PublicKey public_key = crypto::DecodeSpki(key.public_key_der);
  const auto signed_by_key = [&](const Buffer& signature) {
    return crypto::VerifyDigest(public_key, AlgId::kEcdsa, AlgId::kSha256, SignRequest().digest,
                                signature);
  };
  EXPECT_TRUE(signed_by_key(tpm.Do(SignRequest())));
  // As with Windows' contexts: what is loaded belongs to one of them.
  tpm.on_open = [this](FaultyTransport&) { tpm.FlushAll(); };
  const auto renew = [this] {
    tpm.FlushAll();
    tpm.faulty().Renew();
  };
  renew();  // between two calls
  EXPECT_FALSE(signed_by_key(tpm.Do(SignRequest(other))));
  EXPECT_TRUE(signed_by_key(tpm.Do(SignRequest())));

  // And within one: before its first command, and before each one after that.
  for (size_t at = 1; at <= 4; ++at) {
    tpm.Do(SignRequest());
    const size_t number = tpm.faulty().count() + at;
    tpm.faulty().TamperCommand([&](Buffer&) {
      if (tpm.faulty().count() == number) renew();
    });
    op::UnsealOp unseal = UnsealOf(tpm.Do(SealRequest()));
    EXPECT_EQ(tpm.Do(unseal), SecretOf("data")) << at;
    EXPECT_FALSE(signed_by_key(tpm.Do(SignRequest(other)))) << at;
    EXPECT_TRUE(signed_by_key(tpm.Do(SignRequest()))) << at;
    EXPECT_EQ(tpm.opened(), at + 2);
  }
}

// Nobody here knows the owner's password; the parent is persistent, and that is enough.
TEST_F(ParentTest, ABadBlobSpoilsNothingOnAnOwnedTpm) {
  tpm.PersistStorageParent();
  tpm.SetHierarchyAuth(rh::kOwner, BytesOfText("owner"));
  key = tpm.Do(op::KeyCreate());
  op::KeySign altered = SignRequest();
  altered.blob.private_area[50] ^= 1;
  for (int round = 0; round < 2; ++round) {
    EXPECT_EQ(tpm.FailureOf(altered).code, ErrorCode::kIntegrity);
    EXPECT_FALSE(tpm.Do(SignRequest()).empty());
    EXPECT_FALSE(tpm.Do(op::KeyCreate()).name.empty());
  }
}

TEST_F(ParentTest, ABadBlobMakesThePrimaryOnceToCompare) {
  tpm.PersistStorageParent();
  key = tpm.Do(op::KeyCreate());
  op::KeySign altered = SignRequest();
  altered.blob.private_area[50] ^= 1;
  for (int round = 0; round < 3; ++round) {
    EXPECT_EQ(tpm.FailureOf(altered).code, ErrorCode::kIntegrity);
    EXPECT_FALSE(tpm.Do(SignRequest()).empty());
  }
  EXPECT_EQ(tpm.recording().count(kCreatePrimary), 1u);
}

// A parent of our form with another `unique` is no primary of ours, but keys that were made under
// it belong to it: a blob that neither takes does not change that.
TEST_F(ParentTest, ABadBlobDoesNotMoveTheKeysOfALookAlike) {
  Public look_alike = templates::StorageParent();
  look_alike.unique.get_if<AlgId::kEcc>()->x = EccParameter(Buffer(32, 7));
  tpm.Persist(tpm.MakePrimary(look_alike), 0x81000001);
  key = tpm.Do(op::KeyCreate());
  op::KeySign altered = SignRequest();
  altered.blob.private_area[50] ^= 1;
  EXPECT_EQ(tpm.FailureOf(altered).code, ErrorCode::kIntegrity);
  EXPECT_FALSE(tpm.Do(SignRequest()).empty());
}

TEST_F(ParentTest, WithoutTheOwnersPasswordOneIsLookedForElsewhere) {
  tpm.PersistStorageParent(0x81000000);
  tpm.SetHierarchyAuth(rh::kOwner, BytesOfText("owner"));
  key = tpm.Do(op::KeyCreate());
  EXPECT_FALSE(tpm.Do(SignRequest()).empty());
}

// As on /dev/tpmrm0, where the parent does not stay: the use case begins again under the right one,
// and neither its object nor its session is flushed under its hands.
TEST_F(ParentTest, ALookAlikeIsReplacedWhereNothingIsKept) {
  const auto swap = [this] { tpm.chip().mutable_traits().swaps_every_command = true; };
  swap();
  op::KeyCreate with_auth;
  with_auth.auth = SecretOf("auth");
  key = tpm.Do(with_auth);
  op::Seal bound = SealRequest();
  bound.selection = {{"sha256", {7}}};
  const Buffer sealed = tpm.Do(bound);
  tpm.NewClient();
  Public look_alike = templates::StorageParent();
  look_alike.unique.get_if<AlgId::kEcc>()->x = EccParameter(Buffer(32, 7));
  tpm.Persist(tpm.MakePrimary(look_alike), 0x81000001);
  op::KeySign sign = SignRequest();
  sign.auth = SecretOf("auth");
  EXPECT_FALSE(tpm.Do(sign).empty());
  tpm.NewClient();
  EXPECT_EQ(tpm.Do(UnsealOf(sealed)), SecretOf("data"));
}

// What was salted to another parent while nothing was pinned carries no secret of a pinned call.
TEST_F(ParentTest, APinnedCallTakesNoSessionOfAnotherParent) {
  tpm.chip().mutable_traits().swaps_every_command = true;  // the parent goes, the session stays
  tpm.Do(SealRequest());
  EXPECT_EQ(tpm.recording().count(kStartAuthSession), 1u);
  tpm.Clear();  // gives the hierarchy another seed
  tpm.options.parent_name = ParentName();
  const Buffer sealed = tpm.Do(SealRequest());
  EXPECT_EQ(tpm.recording().count(kStartAuthSession), 2u);
  EXPECT_EQ(tpm.Do(UnsealOf(sealed)), SecretOf("data"));
  EXPECT_EQ(tpm.recording().count(kStartAuthSession), 2u);
}

TEST_F(ParentTest, APinRefusesAnotherParent) {
  const Buffer name = ParentName();
  tpm.options.parent_name = name;
  key = tpm.Do(op::KeyCreate());
  EXPECT_FALSE(tpm.Do(SignRequest()).empty());
  const Buffer sealed = tpm.Do(SealRequest());
  EXPECT_EQ(tpm.Do(UnsealOf(sealed)), SecretOf("data"));

  // What is warm already is refused as what is not.
  tpm.options.parent_name->back() ^= 1;
  for (int round = 0; round < 2; ++round) {
    EXPECT_EQ(tpm.FailureOf(SignRequest()).code, ErrorCode::kIntegrity);
    EXPECT_EQ(tpm.FailureOf(UnsealOf(sealed)).code, ErrorCode::kIntegrity);
    EXPECT_EQ(tpm.FailureOf(SealRequest()).code, ErrorCode::kIntegrity);
    EXPECT_EQ(tpm.FailureOf(op::KeyCreate()).code, ErrorCode::kIntegrity);
    tpm.NewClient();
  }
  EXPECT_EQ(tpm.Loaded(), Handles());
  // The pin finds a look-alike before anything is entrusted to it.
  tpm.options.parent_name = name;
  Public look_alike = templates::StorageParent();
  look_alike.unique.get_if<AlgId::kEcc>()->x = EccParameter(Buffer(32, 7));
  tpm.Persist(tpm.MakePrimary(look_alike), 0x81000001);
  EXPECT_EQ(tpm.FailureOf(SealRequest()).code, ErrorCode::kIntegrity);
  EXPECT_FALSE(tpm.recording().CommandsContain(BytesOfText("data")));
}

TEST_F(ParentTest, APersistentParentMayHaveAnAuth) {
  CreatePrimary command;
  command.primary_handle = Entity::Of(rh::kOwner);
  command.in_sensitive->user_auth = ByteView(BytesOfText("parent"));
  *command.in_public = templates::StorageParent();
  tpm.Persist(tpm.direct().Run(command).object_handle.value, 0x81000001);
  tpm.options.parent_auth = SecretOf("parent");
  key = tpm.Do(op::KeyCreate());
  EXPECT_FALSE(tpm.Do(SignRequest()).empty());
  const Buffer sealed = tpm.Do(SealRequest());
  EXPECT_EQ(tpm.Do(UnsealOf(sealed)), SecretOf("data"));
  EXPECT_FALSE(tpm.recording().CommandsContain(BytesOfText("parent")));

  tpm.NewClient();
  tpm.options.parent_auth = SecretOf("wrong");
  EXPECT_EQ(tpm.FailureOf(SignRequest()).code, ErrorCode::kAuthFailed);
  tpm.options.parent_auth.clear();
  EXPECT_EQ(tpm.FailureOf(SignRequest()).code, ErrorCode::kAuthFailed);
  tpm.options.parent_auth = SecretOf("parent");
  EXPECT_FALSE(tpm.Do(SignRequest()).empty());
}

TEST_F(ParentTest, AnOwnedTpmAsksForTheOwner) {
  tpm.SetHierarchyAuth(rh::kOwner, BytesOfText("owner password"));
  EXPECT_EQ(tpm.FailureOf(op::KeyCreate()).code, ErrorCode::kAuthFailed);
  tpm.options.owner_auth = SecretOf("wrong");
  EXPECT_EQ(tpm.FailureOf(op::KeyCreate()).code, ErrorCode::kAuthFailed);
  tpm.options.owner_auth = SecretOf("owner password");
  key = tpm.Do(op::KeyCreate());
  EXPECT_FALSE(tpm.Do(SignRequest()).empty());
  const Buffer sealed = tpm.Do(SealRequest());
  EXPECT_EQ(tpm.Do(UnsealOf(sealed)), SecretOf("data"));

  op::NvDefineOp define;
  define.handle = 0x01800100;
  define.size = 8;
  tpm.Do(define);
  op::NvWriteOp write;
  write.handle = define.handle;
  write.data = SecretOf("8 octets");
  tpm.Do(write);
  op::NvReadOp read;
  read.handle = define.handle;
  EXPECT_EQ(tpm.Do(read), SecretOf("8 octets"));
  read.owner_auth = SecretOf("wrong");
  EXPECT_EQ(tpm.FailureOf(read).code, ErrorCode::kAuthFailed);
  op::NvUndefineOp undefine;
  undefine.handle = define.handle;
  undefine.owner_auth = SecretOf("");
  EXPECT_EQ(tpm.FailureOf(undefine).code, ErrorCode::kAuthFailed);
  undefine.owner_auth.reset();
  tpm.Do(undefine);
  EXPECT_FALSE(tpm.recording().CommandsContain(BytesOfText("owner password")));

  // Who needs the owner no more needs no auth: the parent is persistent.
  tpm.NewClient();
  const uint32_t made =
      tpm.MakePrimary(templates::StorageParent(), rh::kOwner, BytesOfText("owner password"));
  EvictControl persist;
  persist.auth = Entity::Of(rh::kOwner);
  persist.object_handle = Entity{made, Name()};
  persist.persistent_handle = 0x81000001;
  const Buffer owner = BytesOfText("owner password");
  const Authorization authorization{nullptr, owner};
  tpm.direct().Run(persist, {&authorization, 1});
  tpm.FlushAll();
  tpm.options.owner_auth.clear();
  EXPECT_FALSE(tpm.Do(SignRequest()).empty());
}

TEST_F(ParentTest, TheEndorsementHierarchyMayBeOwned) {
  tpm.SetHierarchyAuth(rh::kEndorsement, BytesOfText("endorsement password"));
  op::Ek request;
  request.type = "ecc";
  EXPECT_EQ(tpm.FailureOf(request).code, ErrorCode::kAuthFailed);
  tpm.options.endorsement_auth = SecretOf("wrong");
  EXPECT_EQ(tpm.FailureOf(request).code, ErrorCode::kAuthFailed);
  tpm.options.endorsement_auth = SecretOf("endorsement password");
  EXPECT_FALSE(tpm.Do(request).handle.has_value());
  EXPECT_FALSE(tpm.recording().CommandsContain(BytesOfText("endorsement password")));
}

TEST_F(ParentTest, APersistentEkIsFoundByItsTemplate) {
  tpm.Persist(tpm.MakePrimary(templates::StorageParent(), rh::kEndorsement), 0x81010001);
  tpm.Persist(tpm.MakePrimary(templates::EndorsementKeyEcc(), rh::kEndorsement), 0x81010016);
  op::Ek request;
  request.type = "ecc";
  EXPECT_EQ(tpm.Do(request).handle, 0x81010016u);
  EXPECT_EQ(tpm.recording().count(kCreatePrimary), 0u);
}

}  // namespace
}  // namespace tpm2::testing

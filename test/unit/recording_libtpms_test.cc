// What somebody on the bus gets to see.
#include <gtest/gtest.h>

#include "support/use_cases.h"

namespace tpm2::testing {
namespace {

class SecrecyTest : public ::testing::Test {
 protected:
  SecrecyTest() : material(MakeMaterial(tpm)) { tpm.PersistStorageParent(0x81000005); }

  bool Shows(std::string_view secret) {
    const Buffer octets = BytesOfText(secret);
    return tpm.recording().CommandsContain(octets) || tpm.recording().ResponsesContain(octets);
  }

  TestTpm tpm;
  Material material;
};

TEST_F(SecrecyTest, NoPlantedSecretIsOnTheBus) {
  size_t secrets = 0;
  for (const UseCase& use : AllUseCases(material)) {
    SCOPED_TRACE(use.name);
    for (const bool cold : {true, false}) {
      if (cold) tpm.NewClient();
      if (use.prepare) use.prepare(tpm);
      EXPECT_EQ(use.run(tpm), "");
    }
    for (const std::string_view secret : use.secrets) {
      EXPECT_FALSE(Shows(secret)) << secret;
      ++secrets;
    }
  }
  EXPECT_GT(secrets, 20u);
}

// The same without encryption, where each of them shows: so the test above can fail.
TEST_F(SecrecyTest, WithoutEncryptionTheRecordingShowsThem) {
  tpm.options.encrypt = false;
  for (const UseCase& use : AllUseCases(material)) {
    SCOPED_TRACE(use.name);
    tpm.NewClient();
    if (use.prepare) use.prepare(tpm);
    EXPECT_EQ(use.run(tpm), "");
    // An auth value that goes into an HMAC is not seen even then.
    const bool hmac = use.name == "unseal by PCRs and auth";
    for (const std::string_view secret : use.secrets) {
      EXPECT_EQ(Shows(secret), !(hmac && secret == planted::kSealAuth)) << secret;
    }
  }
}

TEST_F(SecrecyTest, HierarchyAuthsAreNotOnTheBus) {
  constexpr std::string_view kOwner = "planted owner auth";
  constexpr std::string_view kEndorsement = "planted endorsement auth";
  tpm.SetHierarchyAuth(rh::kOwner, BytesOfText(kOwner));
  tpm.SetHierarchyAuth(rh::kEndorsement, BytesOfText(kEndorsement));
  tpm.options.owner_auth = SecretOf(kOwner);
  tpm.options.endorsement_auth = SecretOf(kEndorsement);
  for (const bool encrypt : {true, false}) {
    tpm.options.encrypt = encrypt;
    tpm.NewClient();
    tpm.Do(op::ProvisionAk());  // makes the storage parent: the owner's
    op::NvReadOp read;
    read.handle = material.nv_index;
    tpm.Do(read);
    op::ActivateCredentialOp activate;
    activate.blob = material.ak.blob;
    activate.credential_blob = material.credential.credential_blob;
    activate.secret = material.credential.secret;
    EXPECT_EQ(tpm.Do(activate), SecretOf(planted::kCredential));
    EXPECT_EQ(Shows(kOwner), !encrypt);
    EXPECT_EQ(Shows(kEndorsement), !encrypt);
  }
}

}  // namespace
}  // namespace tpm2::testing

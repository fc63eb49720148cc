// What the TPM, or this library before it, refuses: under which code, naming what, with which
// remedy.
#include <gtest/gtest.h>

#include <functional>
#include <map>

#include "client/templates.h"
#include "crypto/key_convert.h"
#include "support/scripted_transport.h"
#include "support/test_tpm.h"
#include "tpm2/operations/attest.h"
#include "tpm2/operations/keys.h"
#include "tpm2/operations/nv.h"
#include "tpm2/operations/system.h"
#include "tpm2/operations/verify.h"

namespace tpm2::testing {
namespace {

constexpr uint32_t kActivateCredential = 0x147;
constexpr uint32_t kEkHandle = 0x81010016;

class RefusalTest : public ::testing::Test {
 protected:
  void TearDown() override {
    tpm.client().Close();
    EXPECT_EQ(tpm.Loaded(), std::vector<uint32_t>());
  }

  op::CreatedKey MakeRsa(bool decrypts) {
    op::KeyCreate request;
    request.type = "rsa";
    request.sign = !decrypts;
    request.decrypt = decrypts;
    return tpm.Do(request);
  }
  // For an AK and an EK of the given types.
  op::ActivateCredentialOp Activation(const op::CreatedKey& ak, const std::string& ek_type) {
    op::Ek ek;
    ek.type = ek_type;
    op::MakeCredential make;
    make.ek_public = tpm.Do(ek).public_area;
    make.ak_name = ak.name;
    make.secret = SecretOf("credential");
    const op::Credential made = tpm2::Run(make);
    op::ActivateCredentialOp request;
    request.blob = ak.blob;
    request.credential_blob = made.credential_blob;
    request.secret = made.secret;
    return request;
  }
  void ExpectQuotes(const op::CreatedKey& key, const std::string& scheme) {
    op::QuoteOp request;
    request.blob = key.blob;
    request.selection = {{"sha256", {0, 7}}};
    request.qualifying_data = BytesOfText("nonce");
    request.include_pcrs = true;
    const op::QuoteResult quote = tpm.Do(request);
    EXPECT_EQ(quote.scheme, scheme);
    EXPECT_EQ(quote.hash, "sha256");
    op::VerifyQuote verify;
    verify.message = quote.message;
    verify.signature = quote.signature_tpmt;
    verify.signer.ak_public_key = key.public_key_der;
    verify.qualifying_data = request.qualifying_data;
    verify.pcrs = quote.pcrs;
    EXPECT_TRUE(tpm2::Run(verify).ok);
  }

  TestTpm tpm;
};

// --- blobs ---------------------------------------------------------------------------------------

// Calls each(index, altered) with every octet of `octets` altered in turn, in two ways.
void ForEachAlteration(const Buffer& octets,
                       const std::function<void(size_t, const Buffer&)>& each) {
  for (size_t i = 0; i < octets.size(); ++i) {
    for (const uint8_t bits : {0x01, 0x90}) {
      Buffer altered = octets;
      altered[i] ^= bits;
      each(i, altered);
    }
  }
}

TEST_F(RefusalTest, AKeyThatWasAlteredAnywhereIsInvalidOrHasLostItsIntegrity) {
  std::map<ErrorCode, size_t> found;
  for (const char* type : {"ecc", "rsa"}) {
    op::KeyCreate create;
    create.type = type;
    const op::CreatedKey key = tpm.Do(create);
    const auto expect_refused = [&](const char* part, size_t index, const ObjectBlob& blob) {
      SCOPED_TRACE(std::string(type) + ", " + part + "[" + std::to_string(index) + "]");
      tpm.recording().Clear();
      op::KeySign sign;
      sign.blob = blob;
      sign.digest = Buffer(32, 1);
      try {
        tpm2::Run(op::ParseKeyBlob{blob});
        tpm.Do(sign);
        ADD_FAILURE() << "it signs";
      } catch (const Error& error) {
        ++found[error.code];
        if (error.code == ErrorCode::kInvalidArgument) {
          EXPECT_EQ(tpm.recording().count(), 0u);
        } else {
          EXPECT_EQ(error.code, ErrorCode::kIntegrity) << error.message;
          EXPECT_EQ(error.command, "TPM2_Load");
          EXPECT_EQ(error.suggestion, DecodeResponseCode(rc::kIntegrity).suggestion);
          EXPECT_EQ(error.rc_name, DecodeResponseCode(*error.tpm_rc).name);
        }
      }
    };
    ForEachAlteration(key.blob.public_area, [&](size_t i, const Buffer& altered) {
      expect_refused("public", i, {altered, key.blob.private_area});
    });
    ForEachAlteration(key.blob.private_area, [&](size_t i, const Buffer& altered) {
      expect_refused("private", i, {key.blob.public_area, altered});
    });
  }
  // Both happen, or nothing was looked at.
  EXPECT_GT(found[ErrorCode::kInvalidArgument], 10u);
  EXPECT_GT(found[ErrorCode::kIntegrity], 500u);
}

TEST_F(RefusalTest, ASealThatWasAlteredAnywhereIsInvalidOrHasLostItsIntegrity) {
  for (const std::string_view auth : {"", "auth"}) {
    op::Seal seal;
    seal.data = SecretOf("data");
    seal.auth = SecretOf(auth);
    ForEachAlteration(tpm.Do(seal), [&](size_t i, const Buffer& altered) {
      tpm.recording().Clear();
      op::UnsealOp unseal;
      unseal.blob = altered;
      unseal.auth = SecretOf(auth);
      const Error error = tpm.FailureOf(unseal);
      if (error.code == ErrorCode::kInvalidArgument) {
        EXPECT_EQ(tpm.recording().count(), 0u) << i;
      } else {
        EXPECT_EQ(error.code, ErrorCode::kIntegrity) << i << ": " << error.message;
      }
    });
  }
}

// Which PCRs it is bound to stands beside the sealed object, and only the policy tells that it was
// altered.
TEST_F(RefusalTest, ASealToPcrsThatWasAlteredNeverGivesItsData) {
  op::Seal seal;
  seal.data = SecretOf("data");
  seal.auth = SecretOf("auth");
  seal.selection = {{"sha256", {0, 7}}, {"sha1", {1}}};
  ForEachAlteration(tpm.Do(seal), [&](size_t i, const Buffer& altered) {
    op::UnsealOp unseal;
    unseal.blob = altered;
    unseal.auth = SecretOf("auth");
    const Error error = tpm.FailureOf(unseal);
    const bool of_the_object =
        error.code == ErrorCode::kInvalidArgument || error.code == ErrorCode::kIntegrity;
    const bool of_the_policy =
        error.command != "TPM2_Load" &&
        (error.code == ErrorCode::kAuthFailed || error.code == ErrorCode::kNotSupported);
    EXPECT_TRUE(of_the_object || of_the_policy)
        << i << ": " << ErrorCodeName(error.code) << ": " << error.message;
  });
}

// --- keys ----------------------------------------------------------------------------------------

TEST_F(RefusalTest, ASchemeIsNotFixedInAKeyThatDecrypts) {
  for (const bool sign : {true, false}) {
    op::KeyCreate request;
    request.type = "rsa";
    request.sign = sign;
    request.decrypt = true;
    request.hash = "sha256";
    Error error = tpm.FailureOf(request);
    EXPECT_EQ(error.code, ErrorCode::kInvalidArgument);
    EXPECT_TRUE(error.message.starts_with("hash: ")) << error.message;
    request.scheme = "rsapss";
    error = tpm.FailureOf(request);
    EXPECT_EQ(error.code, ErrorCode::kInvalidArgument);
    EXPECT_TRUE(error.message.starts_with("scheme: ")) << error.message;
  }
  EXPECT_EQ(tpm.recording().count(), 0u);
}

TEST_F(RefusalTest, ACipherTextOfAnotherKeyDoesNotSoundLikeABrokenTpm) {
  op::KeyDecrypt request;
  request.blob = MakeRsa(true).blob;
  request.cipher = Buffer(256, 0x11);
  const Error error = tpm.FailureOf(request);
  EXPECT_EQ(error.rc_name, "TPM_RC_FAILURE");
  EXPECT_NE(error.suggestion.find("cipher text was not made for this key"), std::string::npos)
      << error.suggestion;
  op::ActivateCredentialOp activate = Activation(tpm.Do(op::ProvisionAk()), "rsa");
  activate.secret = Buffer(256, 0x11);
  const Error inactive = tpm.FailureOf(activate);
  EXPECT_EQ(inactive.rc_name, "TPM_RC_FAILURE");
  EXPECT_NE(inactive.suggestion.find("cipher text was not made for this key"), std::string::npos)
      << inactive.suggestion;
}

TEST_F(RefusalTest, AKeyWithoutASchemeQuotesLikeAnAttestationKey) {
  ExpectQuotes(tpm.Do(op::KeyCreate()), "ecdsa");
  ExpectQuotes(MakeRsa(false), "rsassa");
  ExpectQuotes(tpm.Do(op::ProvisionAk()), "ecdsa");
  op::KeyCreate fixed;
  fixed.type = "rsa";
  fixed.scheme = "rsapss";
  ExpectQuotes(tpm.Do(fixed), "rsapss");
}

// --- credentials ---------------------------------------------------------------------------------

TEST_F(RefusalTest, TheEndorsementKeyMustBeOfTheKindThatTheSeedIsFor) {
  tpm.Persist(tpm.MakePrimary(templates::EndorsementKeyEcc(), rh::kEndorsement), kEkHandle);
  const op::CreatedKey ak = tpm.Do(op::ProvisionAk());
  for (const char* type : {"rsa", "ecc"}) {
    op::ActivateCredentialOp request = Activation(ak, type);
    request.ek_type = type;
    EXPECT_EQ(tpm.Do(request), SecretOf("credential"));
    request.ek_type = *request.ek_type == "rsa" ? "ecc" : "rsa";
    tpm.recording().Clear();
    const Error error = tpm.FailureOf(request);
    EXPECT_EQ(error.code, ErrorCode::kInvalidArgument);
    EXPECT_TRUE(error.message.starts_with("ek: ")) << error.message;
    EXPECT_EQ(tpm.recording().count(), 0u);
  }
  // What kind of key a handle stands for is asked before the credential is sent.
  op::ActivateCredentialOp request = Activation(ak, "ecc");
  request.ek_handle = kEkHandle;
  EXPECT_EQ(tpm.Do(request), SecretOf("credential"));
  request = Activation(ak, "rsa");
  request.ek_handle = kEkHandle;
  tpm.recording().Clear();
  const Error error = tpm.FailureOf(request);
  EXPECT_EQ(error.code, ErrorCode::kInvalidArgument) << error.message;
  EXPECT_TRUE(error.message.starts_with("ek: ")) << error.message;
  EXPECT_EQ(tpm.recording().count(kActivateCredential), 0u);
}

// --- handles and sizes ---------------------------------------------------------------------------

TEST_F(RefusalTest, AHandleBeyondTheSlotsIsNoKey) {
  for (const uint32_t handle : {0x80000002u, 0x80000077u, 0x80ffffffu, 0x81000077u}) {
    const Error error = tpm.FailureOf(op::ReadPublicOp{handle});
    EXPECT_EQ(error.code, ErrorCode::kKeyNotFound) << std::hex << handle << error.message;
    EXPECT_NE(error.suggestion, "");
  }
  // A PCR is no key that could be absent.
  EXPECT_EQ(tpm.FailureOf(op::PcrResetOp{30}).code, ErrorCode::kTpmRc);
}

TEST_F(RefusalTest, AnIndexLargerThanTheTpmAllowsIsNotAskedFor) {
  op::NvDefineOp request;
  request.handle = 0x01800100;
  for (const uint32_t size : {2049u, 3000u, 60000u}) {
    request.size = size;
    const Error error = tpm.FailureOf(request);
    EXPECT_EQ(error.code, ErrorCode::kInvalidArgument);
    EXPECT_TRUE(error.message.starts_with("size: at most 2048 on this TPM")) << error.message;
  }
  EXPECT_EQ(tpm.recording().count(0x12a), 0u);
  request.size = 2048;
  tpm.Do(request);
  EXPECT_EQ(tpm.recording().count(0x12a), 1u);
}

}  // namespace
}  // namespace tpm2::testing

// Every use case of the library, ready to be run: for the tests that go over all of them (faults,
// recordings, leftovers).
#ifndef TPM2_TEST_UNIT_SUPPORT_USE_CASES_H_
#define TPM2_TEST_UNIT_SUPPORT_USE_CASES_H_

#include <functional>
#include <string>
#include <vector>

#include "support/test_tpm.h"
#include "tpm2/operations/attest.h"
#include "tpm2/operations/keys.h"
#include "tpm2/operations/nv.h"
#include "tpm2/operations/system.h"
#include "tpm2/operations/verify.h"

namespace tpm2::testing {

// What the use cases work on; made once per TPM.
struct Material {
  op::CreatedKey key, key_with_auth, ak;
  op::CreatedKey rsa;  // decrypts
  Buffer rsa_cipher;
  op::CreatedKey rsa_ak;
  Buffer sealed, sealed_with_auth, sealed_to_pcrs, sealed_to_pcrs_with_auth;
  op::Credential credential;           // for `ak` and the ECC EK
  op::Credential rsa_credential;       // for `rsa_ak` and the EK that is persistent at ...
  uint32_t rsa_ek = 0x81000006;        // ... this handle
  uint32_t nv_index = 0x01800001;      // the owner's, 24 octets
  uint32_t nv_with_auth = 0x01800002;  // with an auth value, 24 octets
  uint32_t nv_scratch = 0x01800003;    // not defined
  uint32_t nv_large = 0x01800004;      // the owner's, more than one buffer of the TPM
};

// Each secret that the use cases move, and where it shows when it is not encrypted.
namespace planted {
inline constexpr std::string_view kKeyAuth = "planted key auth";
inline constexpr std::string_view kSealAuth = "planted seal auth";
inline constexpr std::string_view kNvAuth = "planted nv auth";
inline constexpr std::string_view kSealed = "planted sealed data";
inline constexpr std::string_view kPlain = "planted RSA plaintext";
inline constexpr std::string_view kNvData = "planted data of the NV.";  // 23 octets
inline constexpr std::string_view kCredential = "planted activation secret";
inline constexpr std::string_view kOwnerAuth = "planted owner auth";
inline constexpr std::string_view kEndorsementAuth = "planted endorsement auth";
}  // namespace planted

Material MakeMaterial(TestTpm& tpm);

struct UseCase {
  std::string name;
  // Puts the TPM into the state that the use case starts from, past the client. May be empty.
  std::function<void(TestTpm&)> prepare;
  // Empty when the result is right, else what is wrong with it. Throws tpm2::Error.
  std::function<std::string(TestTpm&)> run;
  // The result comes in a session whose HMAC is verified, so that nobody can alter it unnoticed.
  bool guarded = false;
  // Secrets that the use case moves over the bus.
  std::vector<std::string_view> secrets;
  // The TPM makes an RSA key each time, which takes long.
  bool slow = false;
};

// Named by their operation first, and then by what is special about them. `material` must outlive
// the use cases.
std::vector<UseCase> AllUseCases(const Material& material);
// Those of them that few TPMs make one go through: an owner, RSA, what the manufacturer left in NV.
std::vector<UseCase> RareUseCases(const Material& material);

}  // namespace tpm2::testing

#endif  // TPM2_TEST_UNIT_SUPPORT_USE_CASES_H_

// Windows' Platform Crypto Provider, as far as it needs no TPM.
#ifndef TPM2_OPERATIONS_PCP_H_
#define TPM2_OPERATIONS_PCP_H_

#include "tpm2/operations/common.h"

namespace tpm2::op {

// What a PCP1 or PCP2 blob says of its key.
struct ProviderBlobInfo {
  std::string type;  // "rsa", "ecc"
  bool sign = false;
  bool decrypt = false;
  bool restricted = false;
  std::string scheme;  // that Windows gave the key
  std::string hash;
  Buffer name;
  Buffer public_key_der;
  std::string key_name;
  bool machine = false;
  static constexpr auto Fields() {
    return Record(
        F<&ProviderBlobInfo::type>("type"), F<&ProviderBlobInfo::sign>("sign"),
        F<&ProviderBlobInfo::decrypt>("decrypt"), F<&ProviderBlobInfo::restricted>("restricted"),
        F<&ProviderBlobInfo::scheme>("scheme"), F<&ProviderBlobInfo::hash>("hash"),
        F<&ProviderBlobInfo::name>("name"), F<&ProviderBlobInfo::public_key_der>("publicKeyDer"),
        F<&ProviderBlobInfo::key_name>("keyName"), F<&ProviderBlobInfo::machine>("machine"));
  }
};
// INVALID_ARGUMENT for what is not a whole blob whose parts fit together.
struct ParseProviderBlob {
  static constexpr const char* kName = "parseProviderBlob";
  using Result = ProviderBlobInfo;
  ObjectBlob blob;
  static constexpr auto Fields() { return Record(F<&ParseProviderBlob::blob>("blob")); }
};

}  // namespace tpm2::op

namespace tpm2 {
op::ProviderBlobInfo Run(const op::ParseProviderBlob&);
}  // namespace tpm2

#endif  // TPM2_OPERATIONS_PCP_H_

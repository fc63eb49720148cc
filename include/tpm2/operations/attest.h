// Attestation: a restricted key, quotes by it, and the proof that it lives beside an EK.
#ifndef TPM2_OPERATIONS_ATTEST_H_
#define TPM2_OPERATIONS_ATTEST_H_

#include "tpm2/operations/keys.h"

namespace tpm2::op {

struct ProvisionAk {
  static constexpr const char* kName = "provisionAk";
  using Result = CreatedKey;
  std::string algorithm = "ecc";  // P-256, or "rsa" 2048
  // The Platform Crypto Provider's (Windows); elsewhere without effect.
  std::optional<std::string> key_name;
  std::string scope = "user";
  bool overwrite = false;
  static constexpr auto Fields() {
    return Record(F<&ProvisionAk::algorithm>("algorithm"), F<&ProvisionAk::key_name>("keyName"),
                  F<&ProvisionAk::scope>("scope"), F<&ProvisionAk::overwrite>("overwrite"));
  }
};
struct QuoteResult {
  Buffer message;         // TPMS_ATTEST as signed
  Buffer signature;       // r‖s or RSA octets
  Buffer signature_tpmt;  // TPMT_SIGNATURE
  std::string scheme;
  std::string hash;
  std::optional<std::vector<PcrValue>> pcrs;
  static constexpr auto Fields() {
    return Record(F<&QuoteResult::message>("message"), F<&QuoteResult::signature>("signature"),
                  F<&QuoteResult::signature_tpmt>("signatureTpmt"),
                  F<&QuoteResult::scheme>("scheme"), F<&QuoteResult::hash>("hash"),
                  F<&QuoteResult::pcrs>("pcrs"));
  }
};
struct QuoteOp {
  static constexpr const char* kName = "quote";
  using Result = QuoteResult;
  ObjectBlob blob;
  std::vector<BankSelection> selection;
  Buffer qualifying_data;
  bool include_pcrs = false;
  static constexpr auto Fields() {
    return Record(F<&QuoteOp::blob>("blob"), F<&QuoteOp::selection>("selection"),
                  F<&QuoteOp::qualifying_data>("qualifyingData"),
                  F<&QuoteOp::include_pcrs>("includePcrs"));
  }
};
struct ActivateCredentialOp {
  static constexpr const char* kName = "activateCredential";
  using Result = SecretBytes;
  ObjectBlob blob;
  Buffer credential_blob;              // TPMS_ID_OBJECT, bare
  Buffer secret;                       // the encrypted seed, bare
  std::optional<std::string> ek_type;  // "rsa", "ecc"; by the shape of `secret` when absent
  std::optional<uint32_t> ek_handle;   // a persistent EK
  static constexpr auto Fields() {
    return Record(F<&ActivateCredentialOp::blob>("blob"),
                  F<&ActivateCredentialOp::credential_blob>("credentialBlob"),
                  F<&ActivateCredentialOp::secret>("secret"),
                  F<&ActivateCredentialOp::ek_type>("ekType"),
                  F<&ActivateCredentialOp::ek_handle>("ekHandle"));
  }
};

struct EkResult {
  std::string type;                // "rsa", "ecc"
  std::optional<uint32_t> handle;  // where it is persistent; absent: made from its template
  Buffer name;
  Buffer public_area;  // TPM2B_PUBLIC
  Buffer public_key_der;
  static constexpr auto Fields() {
    return Record(F<&EkResult::type>("type"), F<&EkResult::handle>("handle"),
                  F<&EkResult::name>("name"), F<&EkResult::public_area>("public"),
                  F<&EkResult::public_key_der>("publicKeyDer"));
  }
};
struct Ek {
  static constexpr const char* kName = "ek";
  using Result = EkResult;
  std::string type = "rsa";
  static constexpr auto Fields() { return Record(F<&Ek::type>("type")); }
};

}  // namespace tpm2::op

namespace tpm2 {
op::CreatedKey Run(Client&, const CallOptions&, const op::ProvisionAk&);
op::QuoteResult Run(Client&, const CallOptions&, const op::QuoteOp&);
SecretBytes Run(Client&, const CallOptions&, const op::ActivateCredentialOp&);
op::EkResult Run(Client&, const CallOptions&, const op::Ek&);
}  // namespace tpm2

#endif  // TPM2_OPERATIONS_ATTEST_H_

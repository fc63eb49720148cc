// Non-volatile storage.
#ifndef TPM2_OPERATIONS_NV_H_
#define TPM2_OPERATIONS_NV_H_

#include "tpm2/operations/common.h"

namespace tpm2::op {

struct NvPublicResult {
  uint32_t handle = 0;
  uint32_t data_size = 0;
  uint32_t attributes = 0;  // TPMA_NV
  std::string type;         // "ordinary", "counter", "bits", "extend", "pinfail", "pinpass"
  std::string name_alg;
  Buffer name;
  Buffer auth_policy;
  static constexpr auto Fields() {
    return Record(F<&NvPublicResult::handle>("handle"), F<&NvPublicResult::data_size>("dataSize"),
                  F<&NvPublicResult::attributes>("attributes"), F<&NvPublicResult::type>("type"),
                  F<&NvPublicResult::name_alg>("nameAlg"), F<&NvPublicResult::name>("name"),
                  F<&NvPublicResult::auth_policy>("authPolicy"));
  }
};
struct NvReadPublicOp {
  static constexpr const char* kName = "nvReadPublic";
  using Result = NvPublicResult;
  uint32_t handle = 0;
  static constexpr auto Fields() { return Record(F<&NvReadPublicOp::handle>("handle")); }
};
struct NvReadOp {
  static constexpr const char* kName = "nvRead";
  using Result = SecretBytes;
  uint32_t handle = 0;
  uint32_t offset = 0;
  std::optional<uint32_t> size;  // to the end
  std::optional<SecretBytes> auth;
  std::optional<SecretBytes> owner_auth;
  static constexpr auto Fields() {
    return Record(F<&NvReadOp::handle>("handle"), F<&NvReadOp::offset>("offset"),
                  F<&NvReadOp::size>("size"), F<&NvReadOp::auth>("auth"),
                  F<&NvReadOp::owner_auth>("ownerAuth"));
  }
};
struct NvWriteOp {
  static constexpr const char* kName = "nvWrite";
  using Result = Nothing;
  uint32_t handle = 0;
  SecretBytes data;
  uint32_t offset = 0;
  std::optional<SecretBytes> auth;
  std::optional<SecretBytes> owner_auth;
  static constexpr auto Fields() {
    return Record(F<&NvWriteOp::handle>("handle"), F<&NvWriteOp::data>("data"),
                  F<&NvWriteOp::offset>("offset"), F<&NvWriteOp::auth>("auth"),
                  F<&NvWriteOp::owner_auth>("ownerAuth"));
  }
};
struct NvDefineOp {
  static constexpr const char* kName = "nvDefine";
  using Result = Nothing;
  uint32_t handle = 0;
  uint32_t size = 0;
  SecretBytes auth;  // the index password; without one the owner reads and writes
  std::optional<SecretBytes> owner_auth;
  std::optional<uint32_t> attributes;  // TPMA_NV, instead of the default
  static constexpr auto Fields() {
    return Record(F<&NvDefineOp::handle>("handle"), F<&NvDefineOp::size>("size"),
                  F<&NvDefineOp::auth>("auth"), F<&NvDefineOp::owner_auth>("ownerAuth"),
                  F<&NvDefineOp::attributes>("attributes"));
  }
};
struct NvUndefineOp {
  static constexpr const char* kName = "nvUndefine";
  using Result = Nothing;
  uint32_t handle = 0;
  std::optional<SecretBytes> owner_auth;
  static constexpr auto Fields() {
    return Record(F<&NvUndefineOp::handle>("handle"), F<&NvUndefineOp::owner_auth>("ownerAuth"));
  }
};
// The EK certificate: RSA at 0x01c00002, else ECC at 0x01c0000a; DER, without padding.
struct EkCertificate {
  static constexpr const char* kName = "ekCertificate";
  using Result = std::optional<Buffer>;
  static constexpr auto Fields() { return Record(); }
};

}  // namespace tpm2::op

namespace tpm2 {
op::NvPublicResult Run(Client&, const CallOptions&, const op::NvReadPublicOp&);
SecretBytes Run(Client&, const CallOptions&, const op::NvReadOp&);
Nothing Run(Client&, const CallOptions&, const op::NvWriteOp&);
Nothing Run(Client&, const CallOptions&, const op::NvDefineOp&);
Nothing Run(Client&, const CallOptions&, const op::NvUndefineOp&);
std::optional<Buffer> Run(Client&, const CallOptions&, const op::EkCertificate&);
}  // namespace tpm2

#endif  // TPM2_OPERATIONS_NV_H_

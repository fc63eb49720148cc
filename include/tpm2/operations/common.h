// Use cases as data: one struct per operation, whose Fields() name what JavaScript passes and gets.
// An operation is declared here, implemented as a Run() overload in src/client, listed in
// src/addon/operation_table.h, and nothing else.
#ifndef TPM2_OPERATIONS_COMMON_H_
#define TPM2_OPERATIONS_COMMON_H_

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <tuple>
#include <vector>

#include "tpm2/bytes.h"
#include "tpm2/codec.h"

namespace tpm2 {

class Client;

// As Declare(), for records that hold std::optional and other types whose members cannot be
// counted by the compiler.
template <typename... Descriptors>
constexpr auto Record(Descriptors... descriptors) {
  return std::tuple<Descriptors...>(descriptors...);
}

// What Tpm.open() was given; rides with every call, since handles share one connection.
struct CallOptions {
  bool encrypt = true;  // parameter encryption
  SecretBytes owner_auth;
  SecretBytes endorsement_auth;
  SecretBytes lockout_auth;
  SecretBytes parent_auth;
  std::optional<Buffer> parent_name;  // pin: another storage parent is refused
  static constexpr auto Fields() {
    return Record(F<&CallOptions::encrypt>("encrypt"), F<&CallOptions::owner_auth>("ownerAuth"),
                  F<&CallOptions::endorsement_auth>("endorsementAuth"),
                  F<&CallOptions::lockout_auth>("lockoutAuth"),
                  F<&CallOptions::parent_auth>("parentAuth"),
                  F<&CallOptions::parent_name>("parentName"));
  }
};

// PCRs of one bank.
struct BankSelection {
  std::string bank;  // "sha256"
  std::vector<uint32_t> pcrs;
  static constexpr auto Fields() {
    return Record(F<&BankSelection::bank>("bank"), F<&BankSelection::pcrs>("pcrs"));
  }
};

// One PCR of one bank with its value.
struct PcrValue {
  std::string bank;
  uint32_t index = 0;
  std::string digest;  // lower-case hexadecimal
  static constexpr auto Fields() {
    return Record(F<&PcrValue::bank>("bank"), F<&PcrValue::index>("index"),
                  F<&PcrValue::digest>("digest"));
  }
};

// A wrapped object: TPM2B_PUBLIC and TPM2B_PRIVATE, sizes included.
struct ObjectBlob {
  Buffer public_area;
  Buffer private_area;
  static constexpr auto Fields() {
    return Record(F<&ObjectBlob::public_area>("public"), F<&ObjectBlob::private_area>("private"));
  }
};

struct Nothing {
  static constexpr auto Fields() { return Record(); }
};

}  // namespace tpm2

#endif  // TPM2_OPERATIONS_COMMON_H_

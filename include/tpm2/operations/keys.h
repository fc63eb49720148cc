// Keys under the storage parent, and data sealed to it.
#ifndef TPM2_OPERATIONS_KEYS_H_
#define TPM2_OPERATIONS_KEYS_H_

#include "tpm2/operations/common.h"

namespace tpm2::op {

struct CreatedKey {
  ObjectBlob blob;
  Buffer public_key_der;
  Buffer name;
  static constexpr auto Fields() {
    return Record(F<&CreatedKey::blob>("blob"), F<&CreatedKey::public_key_der>("publicKeyDer"),
                  F<&CreatedKey::name>("name"));
  }
};
struct KeyCreate {
  static constexpr const char* kName = "keyCreate";
  using Result = CreatedKey;
  std::string type = "ecc";
  bool sign = true;
  bool decrypt = false;
  std::optional<std::string> hash;
  std::optional<std::string> scheme;  // "ecdsa", "rsassa", "rsapss"; else chosen at each signature
  SecretBytes auth;
  static constexpr auto Fields() {
    return Record(F<&KeyCreate::type>("type"), F<&KeyCreate::sign>("sign"),
                  F<&KeyCreate::decrypt>("decrypt"), F<&KeyCreate::hash>("hash"),
                  F<&KeyCreate::scheme>("scheme"), F<&KeyCreate::auth>("auth"));
  }
};
struct KeySign {
  static constexpr const char* kName = "keySign";
  using Result = Buffer;  // r‖s (IEEE P1363) or RSA octets
  ObjectBlob blob;
  Buffer digest;
  std::string hash = "sha256";
  std::optional<std::string> scheme;
  SecretBytes auth;
  static constexpr auto Fields() {
    return Record(F<&KeySign::blob>("blob"), F<&KeySign::digest>("digest"),
                  F<&KeySign::hash>("hash"), F<&KeySign::scheme>("scheme"),
                  F<&KeySign::auth>("auth"));
  }
};
struct KeyDecrypt {
  static constexpr const char* kName = "keyDecrypt";
  using Result = SecretBytes;
  ObjectBlob blob;
  Buffer cipher;
  std::string hash = "sha256";  // of OAEP
  SecretBytes auth;
  static constexpr auto Fields() {
    return Record(F<&KeyDecrypt::blob>("blob"), F<&KeyDecrypt::cipher>("cipher"),
                  F<&KeyDecrypt::hash>("hash"), F<&KeyDecrypt::auth>("auth"));
  }
};
// Lets the TPM forget a loaded key; it is loaded again when it is used again.
struct KeyRelease {
  static constexpr const char* kName = "keyRelease";
  using Result = Nothing;
  ObjectBlob blob;
  static constexpr auto Fields() { return Record(F<&KeyRelease::blob>("blob")); }
};

struct Seal {
  static constexpr const char* kName = "seal";
  using Result = Buffer;  // "SEAL" blob, see docs/api-reference.md
  SecretBytes data;
  std::vector<BankSelection> selection;
  SecretBytes auth;
  static constexpr auto Fields() {
    return Record(F<&Seal::data>("data"), F<&Seal::selection>("selection"), F<&Seal::auth>("auth"));
  }
};
struct UnsealOp {
  static constexpr const char* kName = "unseal";
  using Result = SecretBytes;
  Buffer blob;
  SecretBytes auth;
  static constexpr auto Fields() {
    return Record(F<&UnsealOp::blob>("blob"), F<&UnsealOp::auth>("auth"));
  }
};

// What a wrapped key says of itself. Needs no TPM. INVALID_ARGUMENT for what does not parse,
// NOT_SUPPORTED for blobs of the Platform Crypto Provider.
struct KeyBlobInfo {
  std::string type;  // "rsa", "ecc"
  bool sign = false;
  bool decrypt = false;
  bool restricted = false;
  std::string scheme;  // "null" when it is chosen at each use
  std::string hash;
  std::optional<uint32_t> modulus_size;  // RSA: octets of the modulus, and so of a cipher text
  Buffer name;
  Buffer public_key_der;
  static constexpr auto Fields() {
    return Record(F<&KeyBlobInfo::type>("type"), F<&KeyBlobInfo::sign>("sign"),
                  F<&KeyBlobInfo::decrypt>("decrypt"), F<&KeyBlobInfo::restricted>("restricted"),
                  F<&KeyBlobInfo::scheme>("scheme"), F<&KeyBlobInfo::hash>("hash"),
                  F<&KeyBlobInfo::modulus_size>("modulusSize"), F<&KeyBlobInfo::name>("name"),
                  F<&KeyBlobInfo::public_key_der>("publicKeyDer"));
  }
};
struct ParseKeyBlob {
  static constexpr const char* kName = "parseKeyBlob";
  using Result = KeyBlobInfo;
  ObjectBlob blob;
  static constexpr auto Fields() { return Record(F<&ParseKeyBlob::blob>("blob")); }
};
struct CheckSealBlob {
  static constexpr const char* kName = "checkSealBlob";
  using Result = Nothing;
  Buffer blob;
  static constexpr auto Fields() { return Record(F<&CheckSealBlob::blob>("blob")); }
};

}  // namespace tpm2::op

namespace tpm2 {
op::CreatedKey Run(Client&, const CallOptions&, const op::KeyCreate&);
Buffer Run(Client&, const CallOptions&, const op::KeySign&);
SecretBytes Run(Client&, const CallOptions&, const op::KeyDecrypt&);
Nothing Run(Client&, const CallOptions&, const op::KeyRelease&);
op::KeyBlobInfo Run(const op::ParseKeyBlob&);
Nothing Run(const op::CheckSealBlob&);
Buffer Run(Client&, const CallOptions&, const op::Seal&);
SecretBytes Run(Client&, const CallOptions&, const op::UnsealOp&);
}  // namespace tpm2

#endif  // TPM2_OPERATIONS_KEYS_H_

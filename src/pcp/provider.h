// Windows' Platform Crypto Provider, which keeps attestation keys for users and for the machine.
// Where there is none, everything here says NOT_SUPPORTED or finds nothing.
#ifndef TPM2_PCP_PROVIDER_H_
#define TPM2_PCP_PROVIDER_H_

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "crypto/crypto.h"
#include "pcp/blob.h"
#include "tpm2/transport.h"

namespace tpm2::pcp {

// True when this transport is the way to the TPM that the provider uses.
bool Serves(const TransportTraits& traits);

struct KeyRequest {
  bool rsa = true;  // 2048 bits; else P-256
  std::string key_name;
  bool machine = false;
  bool overwrite = false;
};
// Makes an identity key and reads what its TPM states about it. `checkpoint` throws when nobody
// waits for it any more: then no key is left.
KeyBlob Provision(const KeyRequest& request, const std::function<void()>& checkpoint);

// A persisted key, open. What Windows loads and holds for it goes with this object.
class IdentityKey {
 public:
  virtual ~IdentityKey() = default;
  // The provider's own way to the TPM, in which alone `handle` means the key.
  virtual Transport& transport() = 0;
  virtual uint32_t handle() const = 0;
  // `activation`: TPM2B_ID_OBJECT and TPM2B_ENCRYPTED_SECRET, one after the other.
  virtual SecretBytes Activate(ByteView activation) = 0;
};
// KEY_NOT_FOUND when it is gone. Whether it is the key that the blob speaks of is not looked at.
std::unique_ptr<IdentityKey> Open(const KeyBlob& blob);

// What Windows has stored for its RSA or its elliptic-curve endorsement key; empty when there is
// nothing or this user may not see it.
std::vector<Buffer> EndorsementCertificates(bool rsa);

// The key that Windows uses as its endorsement key, RSA 2048 or P-256; nothing where it names none,
// or this user may not see it.
std::optional<crypto::PublicKey> EndorsementKey(bool rsa);

}  // namespace tpm2::pcp

#endif  // TPM2_PCP_PROVIDER_H_

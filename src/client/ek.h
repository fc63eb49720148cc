// The endorsement key: found where it is persistent, else made from its template.
#ifndef TPM2_SRC_CLIENT_EK_H_
#define TPM2_SRC_CLIENT_EK_H_

#include <optional>
#include <span>

#include "tpm2/client.h"

namespace tpm2 {

enum class EkType { kRsa, kEcc };

// An EK for one use case; a transient one is flushed when this goes.
class EndorsementKey {
 public:
  EndorsementKey(Client& client, const CallOptions& options, EkType type);
  // Of either type, for a session to be salted to: a persistent one, else one made from the
  // standard template. Reads nothing from NV, for which it may be needed.
  EndorsementKey(Client& client, const CallOptions& options);
  // A persistent key that the caller names. KEY_NOT_FOUND when there is none.
  EndorsementKey(Client& client, uint32_t persistent_handle);

  const LoadedObject& object() const { return object_; }

 private:
  // Takes the first persistent key that was made from one of the templates; false: there is none.
  bool Find(Client& client, std::span<const Public> wanted);
  void Create(Client& client, const CallOptions& options, Public area);

  LoadedObject object_;
  std::optional<ScopedObject> transient_;
};

// Runs use(const Authorization&) with the USER role of the EK: a salted, encrypting session that
// satisfies PolicySecret(endorsement), or the empty auth value where the EK allows that
// (high-range templates). The session ends with it.
SecretBytes WithEkAuthorization(Client& client, const CallOptions& options,
                                const EndorsementKey& ek,
                                const std::function<SecretBytes(const Authorization&)>& use);

}  // namespace tpm2

#endif  // TPM2_SRC_CLIENT_EK_H_

#ifndef TPM2_SRC_CLIENT_NV_H_
#define TPM2_SRC_CLIENT_NV_H_

#include <optional>

#include "tpm2/operations/common.h"

namespace tpm2 {

class Client;

// The whole of an index that holds no secret (certificates, templates); nothing when the index is
// not defined or was never written.
std::optional<SecretBytes> ReadPublicIndex(Client& client, const CallOptions& options,
                                           uint32_t handle);

}  // namespace tpm2

#endif  // TPM2_SRC_CLIENT_NV_H_

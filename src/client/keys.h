#ifndef TPM2_SRC_CLIENT_KEYS_H_
#define TPM2_SRC_CLIENT_KEYS_H_

#include "tpm2/commands/object.h"
#include "tpm2/operations/keys.h"

namespace tpm2 {

class Client;
struct LoadedObject;

// TPM2_ReadPublic of what is loaded or persistent; INTEGRITY when its answer contradicts itself.
LoadedObject ReadKey(Client& client, uint32_t handle);
// TPM2_Create under the storage parent; `auth` and `data` go encrypted where options say so.
CreateResponse CreateUnderParent(Client& client, const CallOptions& options, const Public& area,
                                 ByteView auth, ByteView data);
op::CreatedKey ToCreatedKey(const CreateResponse& created);

}  // namespace tpm2

#endif  // TPM2_SRC_CLIENT_KEYS_H_

// Public areas that this library asks a TPM for, and recognises.
#ifndef TPM2_SRC_CLIENT_TEMPLATES_H_
#define TPM2_SRC_CLIENT_TEMPLATES_H_

#include "tpm2/structures/public.h"

namespace tpm2::templates {

// TCG "TPM v2.0 Provisioning Guidance" 7.5.1, ECC P-256 SRK, with a zero-length unique: the form
// that tpm2-openssl's parent 40000001 has.
Public StorageParent();
// Equal in everything but `unique`, and able to be the parent of our objects.
bool IsStorageParent(const Public& area);

// TCG EK Credential Profile 2.x, templates L-1 (RSA 2048) and L-2 (ECC P-256).
Public EndorsementKeyRsa();
Public EndorsementKeyEcc();
// Equal in everything but `unique`.
bool SameTemplate(const Public& area, const Public& wanted);

// Restricted signing key, 0x50472: it signs what the TPM made, and nothing that only looks so.
// The empty policy with adminWithPolicy clear gives the ADMIN role to the (empty) auth value.
Public AttestationKey(bool rsa);

struct KeyTemplate {
  bool rsa = false;
  bool sign = true;
  bool decrypt = false;
  bool has_auth = false;
  Scheme scheme;  // fixed in the key; null: chosen when it is used
};
Public ApplicationKey(const KeyTemplate& wanted);

// userWithAuth is clear when there is a policy, else the auth value would get around it.
Public SealedObject(const Digest& policy, bool has_auth);

}  // namespace tpm2::templates

#endif  // TPM2_SRC_CLIENT_TEMPLATES_H_

#ifndef TPM2_SRC_CRYPTO_DER_H_
#define TPM2_SRC_CRYPTO_DER_H_

#include "tpm2/bytes.h"

namespace tpm2::crypto {

// Octets of the DER SEQUENCE at the front, header included; 0 when there is none that fits.
size_t DerLength(ByteView data);

}  // namespace tpm2::crypto

#endif  // TPM2_SRC_CRYPTO_DER_H_

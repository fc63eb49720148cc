// Between TPM structures and the keys that libcrypto knows.
#ifndef TPM2_SRC_CRYPTO_KEY_CONVERT_H_
#define TPM2_SRC_CRYPTO_KEY_CONVERT_H_

#include "crypto/crypto.h"
#include "tpm2/structures/nv.h"
#include "tpm2/structures/public.h"

namespace tpm2::crypto {

// nameAlg || H(TPMT_PUBLIC), Part 1 16. Empty for an object without a name algorithm.
Name NameOf(const Public& area);
Name NameOf(const NvPublic& area);

// NOT_SUPPORTED for what is neither RSA nor an elliptic-curve key.
PublicKey PublicKeyOf(const Public& area);

// EK credential protection and session salts (Part 1, B.10.4 and C.6.1).
struct SharedSecret {
  SecretBytes secret;
  EncryptedSecret encrypted;
};
SharedSecret ShareSecret(const Public& area, std::string_view label);

// RSA octets, or r‖s with both padded to the curve's length (IEEE P1363).
Buffer RawSignature(const Signature& signature, EccCurve curve);
// The hash that a signature names; kNull for none.
AlgId SignatureHash(const Signature& signature);

// Octets of one coordinate; 0 for an unknown curve.
size_t CurveSize(EccCurve curve);

}  // namespace tpm2::crypto

#endif  // TPM2_SRC_CRYPTO_KEY_CONVERT_H_

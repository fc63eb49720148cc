#include "crypto/der.h"

#include <openssl/asn1.h>
#include <openssl/err.h>

namespace tpm2::crypto {

size_t DerLength(ByteView data) {
  const unsigned char* at = data.data();
  long content = 0;
  int tag = 0, type = 0;
  int form = ASN1_get_object(&at, &content, &tag, &type, static_cast<long>(data.size()));
  ERR_clear_error();
  constexpr int kError = 0x80, kIndefinite = 0x01;
  if ((form & (kError | kIndefinite)) != 0 || tag != V_ASN1_SEQUENCE) return 0;
  return static_cast<size_t>(at - data.data()) + static_cast<size_t>(content);
}

}  // namespace tpm2::crypto

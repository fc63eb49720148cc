// The only place where Node's headers come in.
#ifndef TPM2_SRC_ADDON_NAPI_SETUP_H_
#define TPM2_SRC_ADDON_NAPI_SETUP_H_

#include <napi.h>

#endif  // TPM2_SRC_ADDON_NAPI_SETUP_H_

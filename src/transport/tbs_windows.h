// Windows' TPM Base Services.
#ifndef TPM2_TRANSPORT_TBS_WINDOWS_H_
#define TPM2_TRANSPORT_TBS_WINDOWS_H_

#include <memory>

#include "tpm2/transport.h"

namespace tpm2 {

// A context of our own. Throws as OpenTransport() does.
std::unique_ptr<Transport> OpenTbs();

// Over a context that somebody else (the Platform Crypto Provider) owns and keeps open longer than
// this: it is never closed and never replaced here.
std::unique_ptr<Transport> BorrowTbs(void* context);

// The measurement log of this boot, as the firmware and Windows wrote it (WBCL). NOT_SUPPORTED
// where there is none.
Buffer ReadTbsEventLog();

}  // namespace tpm2

#endif  // TPM2_TRANSPORT_TBS_WINDOWS_H_

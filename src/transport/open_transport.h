// The part of OpenTransport() that is the same on every platform.
#ifndef TPM2_TRANSPORT_OPEN_TRANSPORT_H_
#define TPM2_TRANSPORT_OPEN_TRANSPORT_H_

#include <memory>

#include "tpm2/transport.h"
#include "transport/stream.h"

namespace tpm2 {

// swtpm: and mssim: are opened; tabrmd: and module: throw NOT_SUPPORTED, since they are not part of
// this version. Null for "device" and "tbs", which only the platform knows how to open.
std::unique_ptr<Transport> OpenPortable(const Tcti& tcti, Deadline deadline);

}  // namespace tpm2

#endif  // TPM2_TRANSPORT_OPEN_TRANSPORT_H_

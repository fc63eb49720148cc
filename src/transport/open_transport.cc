#include "transport/open_transport.h"

#include "tpm2/error.h"
#include "transport/simulator.h"

namespace tpm2 {

std::unique_ptr<Transport> OpenPortable(const Tcti& tcti, Deadline deadline) {
  if (tcti.name == "swtpm") return OpenSwtpm(tcti, deadline);
  if (tcti.name == "mssim") return OpenMssim(tcti, deadline);
  if (tcti.name == "tabrmd") {
    throw Error(ErrorCode::kNotSupported,
                "The tabrmd: transport (TPM2 access broker) comes in a later version",
                "Use device:/dev/tpmrm0: the kernel's resource manager lets programs share the TPM "
                "without the broker");
  }
  if (tcti.name == "module") {
    throw Error(ErrorCode::kNotSupported,
                "The module: transport (TCTI libraries such as '" + tcti.path +
                    "') comes in a later version",
                "Use device:, swtpm: or mssim:, which need no library");
  }
  return nullptr;
}

}  // namespace tpm2

#include "tpm2/error.h"
#include "tpm2/transport.h"
#include "transport/open_transport.h"
#include "transport/tbs_windows.h"

namespace tpm2 {

std::unique_ptr<Transport> OpenTransport(std::string_view text,
                                         std::chrono::milliseconds connect_timeout) {
  if (text.empty()) return OpenTbs();
  const Tcti tcti = ParseTcti(text);
  if (auto transport = OpenPortable(tcti, DeadlineIn(connect_timeout))) return transport;
  // "device" without a path means the platform's own TPM everywhere.
  if (tcti.name == "tbs" || tcti.path.empty()) return OpenTbs();
  throw Error(ErrorCode::kNotSupported, "Windows has no device files; its way to the TPM is tbs:",
              "Use tbs:, or no tcti at all for the platform's own TPM");
}

}  // namespace tpm2

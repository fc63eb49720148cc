// Platforms without a TPM interface of their own, macOS among them: simulators only.
#include "tpm2/error.h"
#include "tpm2/transport.h"
#include "transport/open_transport.h"

namespace tpm2 {

std::unique_ptr<Transport> OpenTransport(std::string_view text,
                                         std::chrono::milliseconds connect_timeout) {
  if (!text.empty()) {
    const Tcti tcti = ParseTcti(text);
    if (auto transport = OpenPortable(tcti, DeadlineIn(connect_timeout))) return transport;
  }
  throw Error(ErrorCode::kTpmUnavailable, "There is no TPM on this platform",
              "Use a TPM simulator: swtpm:host=127.0.0.1,port=2321");
}

}  // namespace tpm2

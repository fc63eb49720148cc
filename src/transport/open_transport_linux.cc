#include "tpm2/error.h"
#include "tpm2/transport.h"
#include "transport/device.h"
#include "transport/open_transport.h"

namespace tpm2 {
namespace {

constexpr const char* kManagedDevice = "/dev/tpmrm0";
constexpr const char* kRawDevice = "/dev/tpm0";

}  // namespace

std::unique_ptr<Transport> OpenTransport(std::string_view text,
                                         std::chrono::milliseconds connect_timeout) {
  if (text.empty()) return OpenDefaultDevice(kManagedDevice, kRawDevice);
  const Tcti tcti = ParseTcti(text);
  if (auto transport = OpenPortable(tcti, DeadlineIn(connect_timeout))) return transport;
  if (tcti.name == "device") {
    return tcti.path.empty() ? OpenDefaultDevice(kManagedDevice, kRawDevice)
                             : OpenDevice(tcti.path);
  }
  throw Error(ErrorCode::kNotSupported, "tbs: is Windows' way to its TPM; this is Linux",
              "Use device:/dev/tpmrm0, or no tcti at all for the platform's own TPM");
}

}  // namespace tpm2

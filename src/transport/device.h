// The kernel's TPM character devices.
#ifndef TPM2_TRANSPORT_DEVICE_H_
#define TPM2_TRANSPORT_DEVICE_H_

#include <memory>
#include <string>

#include "tpm2/error.h"
#include "tpm2/transport.h"

namespace tpm2 {

// Any character device that takes and gives whole TPM messages: /dev/tpm*, /dev/tpmrm*, or a
// pseudo terminal with a simulator behind it.
std::unique_ptr<Transport> OpenDevice(const std::string& path);

// `managed` if it exists; otherwise `raw`, with a warning in the traits. What exists but cannot be
// opened is an error, not a reason to go on.
std::unique_ptr<Transport> OpenDefaultDevice(const std::string& managed, const std::string& raw);

// The transport over a descriptor that is already open and non-blocking; takes it over.
std::unique_ptr<Transport> AdoptDevice(int fd, const std::string& path);

// What an errno of open(), or of write() and read(), means. For the latter the driver's own
// refusals (EINVAL, E2BIG) leave the device usable, everything else does not.
Error DeviceOpenError(const std::string& path, int error);
struct DeviceFailure {
  Error error;
  bool usable;
};
DeviceFailure DeviceIoFailure(const std::string& path, int error);

}  // namespace tpm2

#endif  // TPM2_TRANSPORT_DEVICE_H_

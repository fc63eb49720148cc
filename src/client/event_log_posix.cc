#include <cerrno>
#include <cstring>
#include <fstream>
#include <iterator>
#include <string>

#include "tpm2/client.h"
#include "tpm2/error.h"
#include "tpm2/operations/event_log.h"

namespace tpm2 {
namespace {

constexpr const char* kFolder = "/sys/kernel/security/tpm";
constexpr const char* kFile = "/binary_bios_measurements";

// The number of "device:/dev/tpmrm0" or "device:/dev/tpm0"; empty for what is no TPM of the kernel.
std::string DeviceNumber(const std::string& description) {
  for (const std::string prefix : {"device:/dev/tpmrm", "device:/dev/tpm"}) {
    if (!description.starts_with(prefix)) continue;
    std::string number = description.substr(prefix.size());
    bool digits = !number.empty() && number.find_first_not_of("0123456789") == std::string::npos;
    return digits ? number : std::string();
  }
  return {};
}

}  // namespace

Buffer Run(Client& client, const CallOptions&, const op::EventLogBytes&) {
  const std::string number = DeviceNumber(client.traits().description);
  if (number.empty()) {
    throw Error(ErrorCode::kNotSupported, client.traits().description + " has no measurement log",
                "Only the machine's own TPM has one: open it without a tcti.");
  }
  const std::string path = kFolder + number + kFile;
  errno = 0;
  std::ifstream file(path, std::ios::binary);
  if (!file) {
    const int error = errno;
    if (error == EACCES || error == EPERM) {
      throw Error(ErrorCode::kAccessDenied, path + " may not be read: " + std::strerror(error),
                  "The kernel lets root read it. Run as root, or have root copy it.");
    }
    throw Error(
        ErrorCode::kNotSupported, path + " is not there: " + std::strerror(error),
        "The firmware has left no log, or securityfs is not mounted at /sys/kernel/security.");
  }
  return Buffer(std::istreambuf_iterator<char>(file), {});
}

}  // namespace tpm2

#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <memory>
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
  const std::unique_ptr<std::FILE, int (*)(std::FILE*)> file(std::fopen(path.c_str(), "rbe"),
                                                             &std::fclose);
  if (file == nullptr) {
    const int error = errno;
    if (error == EACCES || error == EPERM) {
      throw Error(ErrorCode::kAccessDenied, path + " may not be read: " + std::strerror(error),
                  "The kernel lets root read it. Run as root, or have root copy it.");
    }
    throw Error(
        ErrorCode::kNotSupported, path + " is not there: " + std::strerror(error),
        "The firmware has left no log, or securityfs is not mounted at /sys/kernel/security.");
  }
  Buffer log;
  std::array<uint8_t, 4096> part;
  while (size_t got = std::fread(part.data(), 1, part.size(), file.get())) {
    log.insert(log.end(), part.begin(), part.begin() + got);
  }
  if (std::ferror(file.get()) != 0) {
    throw Error(ErrorCode::kTransportError, path + " breaks off: " + std::strerror(errno),
                "Read it again.");
  }
  return log;
}

}  // namespace tpm2

#include "transport/stream.h"

#include "transport/framing.h"

namespace tpm2 {

std::string EndpointName(const Endpoint& endpoint) {
  if (!endpoint.path.empty()) return endpoint.path;
  const bool ipv6 = endpoint.host.find(':') != std::string::npos;
  return (ipv6 ? "[" + endpoint.host + "]" : endpoint.host) + ":" + std::to_string(endpoint.port);
}

void ReadExactly(Stream& stream, MutableBytes into, Deadline deadline) {
  for (size_t have = 0; have < into.size();) {
    const size_t got = stream.Read(into.subspan(have), deadline);
    if (got == 0) ThrowBrokenOff(have);
    have += got;
  }
}

}  // namespace tpm2

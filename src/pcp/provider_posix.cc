#include "pcp/provider.h"
#include "tpm2/error.h"

namespace tpm2::pcp {
namespace {

[[noreturn]] void ThrowElsewhere() {
  throw Error(ErrorCode::kNotSupported,
              "This attestation key is in Windows' Platform Crypto Provider; this is not Windows",
              "Use it on the Windows machine that made it. Verifying its quotes works anywhere.");
}

}  // namespace

bool Serves(const TransportTraits&) { return false; }

KeyBlob Provision(const KeyRequest&, const std::function<void()>&) { ThrowElsewhere(); }

std::unique_ptr<IdentityKey> Open(const KeyBlob&) { ThrowElsewhere(); }

std::vector<Buffer> EndorsementCertificates(bool) { return {}; }

std::optional<crypto::PublicKey> EndorsementKey(bool) { return std::nullopt; }

}  // namespace tpm2::pcp

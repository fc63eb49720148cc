// process.exit() runs no cleanup hooks: what the TPM still holds of ours is given back here.
#include "tpm2/connection.h"

namespace tpm2::addon {
namespace {

struct AtExit {
  ~AtExit() { ConnectionRegistry::Instance().Shutdown(); }
};
const AtExit kAtExit;

}  // namespace
}  // namespace tpm2::addon

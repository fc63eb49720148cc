#include "pcp/provider.h"
#include "tpm2/client.h"
#include "tpm2/error.h"
#include "tpm2/operations/event_log.h"
#include "transport/tbs_windows.h"

namespace tpm2 {

Buffer Run(Client& client, const CallOptions&, const op::EventLogBytes&) {
  if (pcp::Serves(client.traits())) return ReadTbsEventLog();
  throw Error(ErrorCode::kNotSupported, client.traits().description + " has no measurement log",
              "Only the machine's own TPM has one: open it without a tcti.");
}

}  // namespace tpm2

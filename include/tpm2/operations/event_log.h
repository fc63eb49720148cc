// The measurement log that the firmware and the boot loader have left.
#ifndef TPM2_OPERATIONS_EVENT_LOG_H_
#define TPM2_OPERATIONS_EVENT_LOG_H_

#include "tpm2/operations/common.h"

namespace tpm2::op {

// The log of this boot as the system hands it out, unparsed. NOT_SUPPORTED where there is none,
// ACCESS_DENIED or REQUIRES_ELEVATION where it is not for this user.
struct EventLogBytes {
  static constexpr const char* kName = "eventLogBytes";
  using Result = Buffer;
  static constexpr auto Fields() { return Record(); }
};

}  // namespace tpm2::op

namespace tpm2 {
Buffer Run(Client&, const CallOptions&, const op::EventLogBytes&);
}  // namespace tpm2

#endif  // TPM2_OPERATIONS_EVENT_LOG_H_

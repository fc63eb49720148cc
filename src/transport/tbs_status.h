// What the statuses of Windows' TPM Base Services mean. Portable, so that the table is tested
// everywhere; docs/windows-pcp.md shows it to people.
#ifndef TPM2_TRANSPORT_TBS_STATUS_H_
#define TPM2_TRANSPORT_TBS_STATUS_H_

#include <cstdint>

#include "tpm2/bytes.h"
#include "tpm2/error.h"

namespace tpm2 {

namespace tbs {
inline constexpr uint32_t kInternalError = 0x80284001;
inline constexpr uint32_t kInvalidContext = 0x80284004;
inline constexpr uint32_t kInsufficientBuffer = 0x80284005;
inline constexpr uint32_t kServiceStartPending = 0x8028400b;
inline constexpr uint32_t kTooManyContexts = 0x80284009;
inline constexpr uint32_t kTooManyResources = 0x8028400a;
inline constexpr uint32_t kCommandCanceled = 0x8028400d;
inline constexpr uint32_t kNoEventLog = 0x80284011;
inline constexpr uint32_t kCommandBlocked = 0x80280400;
}  // namespace tbs

// What was being asked when the status came.
struct TbsSituation {
  enum class Call { kOpen, kSubmit, kEventLog };
  Call call = Call::kSubmit;
  ByteView command;      // of kSubmit
  bool elevated = true;  // the process has an administrator's or the system's token
};

// True for a status to be handed on as a response code, since the layers above know what to do:
// 0x80280000 | TPM_RC, and the TPM driver's own for lost handles and busy chips. The others are
// TbsFailure()'s.
bool TbsIsResponseCode(uint32_t status);

// The error for every other status. Its hresult is the status.
Error TbsFailure(uint32_t status, const TbsSituation& situation);

// Opening failed for a reason that passes: nothing has been sent, so it may be tried again.
bool TbsPasses(uint32_t status);

// True for commands that Windows lets administrators send, but not standard users, as far as that
// is known: the lists are not published.
bool TbsNeedsElevation(ByteView command);

}  // namespace tpm2

#endif  // TPM2_TRANSPORT_TBS_STATUS_H_

// What the statuses of Windows' TPM Base Services mean. Portable, so that the table is tested
// everywhere; docs/windows-pcp.md shows it to people.
#ifndef TPM2_TRANSPORT_TBS_STATUS_H_
#define TPM2_TRANSPORT_TBS_STATUS_H_

#include <cstdint>
#include <optional>

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
inline constexpr uint32_t kInvalidHandle = 0x80280401;
}  // namespace tbs

// What was being asked when the status came.
struct TbsSituation {
  enum class Call { kOpen, kSubmit, kEventLog };
  Call call = Call::kSubmit;
  ByteView command;      // of kSubmit
  bool elevated = true;  // the process has an administrator's or the system's token
};

// The response code to hand on for a status that speaks for the TPM or asks for a resubmission:
// 0x80280000 | TPM_RC becomes the TPM_RC, the TPM driver's own 0x8028040x and 0x8028080x stay.
// Nothing for statuses that are TbsFailure()'s.
std::optional<uint32_t> TbsResponseCode(uint32_t status);

// The error for every other status. Its hresult is the status.
Error TbsFailure(uint32_t status, const TbsSituation& situation);

// Opening failed for a reason that passes: nothing has been sent, so it may be tried again.
bool TbsPasses(uint32_t status);

// True for commands that Windows lets administrators send, but not standard users, as far as that
// is known: the lists are not published.
bool TbsNeedsElevation(ByteView command);

}  // namespace tpm2

#endif  // TPM2_TRANSPORT_TBS_STATUS_H_

// TPM_PT, TPM 2.0 Part 2, 6.13.
#include "codec/name_table.h"
#include "codec/names.h"

namespace tpm2 {
namespace {

constexpr NameRow<uint32_t> kProperties[] = {
    {pt::kFixed + 0, "TPM_PT_FAMILY_INDICATOR"},
    {pt::kFixed + 1, "TPM_PT_LEVEL"},
    {pt::kFixed + 2, "TPM_PT_REVISION"},
    {pt::kFixed + 3, "TPM_PT_DAY_OF_YEAR"},
    {pt::kFixed + 4, "TPM_PT_YEAR"},
    {pt::kFixed + 5, "TPM_PT_MANUFACTURER"},
    {pt::kFixed + 6, "TPM_PT_VENDOR_STRING_1"},
    {pt::kFixed + 7, "TPM_PT_VENDOR_STRING_2"},
    {pt::kFixed + 8, "TPM_PT_VENDOR_STRING_3"},
    {pt::kFixed + 9, "TPM_PT_VENDOR_STRING_4"},
    {pt::kFixed + 10, "TPM_PT_VENDOR_TPM_TYPE"},
    {pt::kFixed + 11, "TPM_PT_FIRMWARE_VERSION_1"},
    {pt::kFixed + 12, "TPM_PT_FIRMWARE_VERSION_2"},
    {pt::kFixed + 13, "TPM_PT_INPUT_BUFFER"},
    {pt::kFixed + 14, "TPM_PT_HR_TRANSIENT_MIN"},
    {pt::kFixed + 15, "TPM_PT_HR_PERSISTENT_MIN"},
    {pt::kFixed + 16, "TPM_PT_HR_LOADED_MIN"},
    {pt::kFixed + 17, "TPM_PT_ACTIVE_SESSIONS_MAX"},
    {pt::kFixed + 18, "TPM_PT_PCR_COUNT"},
    {pt::kFixed + 19, "TPM_PT_PCR_SELECT_MIN"},
    {pt::kFixed + 20, "TPM_PT_CONTEXT_GAP_MAX"},
    {pt::kFixed + 22, "TPM_PT_NV_COUNTERS_MAX"},
    {pt::kFixed + 23, "TPM_PT_NV_INDEX_MAX"},
    {pt::kFixed + 24, "TPM_PT_MEMORY"},
    {pt::kFixed + 25, "TPM_PT_CLOCK_UPDATE"},
    {pt::kFixed + 26, "TPM_PT_CONTEXT_HASH"},
    {pt::kFixed + 27, "TPM_PT_CONTEXT_SYM"},
    {pt::kFixed + 28, "TPM_PT_CONTEXT_SYM_SIZE"},
    {pt::kFixed + 29, "TPM_PT_ORDERLY_COUNT"},
    {pt::kFixed + 30, "TPM_PT_MAX_COMMAND_SIZE"},
    {pt::kFixed + 31, "TPM_PT_MAX_RESPONSE_SIZE"},
    {pt::kFixed + 32, "TPM_PT_MAX_DIGEST"},
    {pt::kFixed + 33, "TPM_PT_MAX_OBJECT_CONTEXT"},
    {pt::kFixed + 34, "TPM_PT_MAX_SESSION_CONTEXT"},
    {pt::kFixed + 35, "TPM_PT_PS_FAMILY_INDICATOR"},
    {pt::kFixed + 36, "TPM_PT_PS_LEVEL"},
    {pt::kFixed + 37, "TPM_PT_PS_REVISION"},
    {pt::kFixed + 38, "TPM_PT_PS_DAY_OF_YEAR"},
    {pt::kFixed + 39, "TPM_PT_PS_YEAR"},
    {pt::kFixed + 40, "TPM_PT_SPLIT_MAX"},
    {pt::kFixed + 41, "TPM_PT_TOTAL_COMMANDS"},
    {pt::kFixed + 42, "TPM_PT_LIBRARY_COMMANDS"},
    {pt::kFixed + 43, "TPM_PT_VENDOR_COMMANDS"},
    {pt::kFixed + 44, "TPM_PT_NV_BUFFER_MAX"},
    {pt::kFixed + 45, "TPM_PT_MODES"},
    {pt::kFixed + 46, "TPM_PT_MAX_CAP_BUFFER"},
    {pt::kFixed + 47, "TPM_PT_FIRMWARE_SVN"},
    {pt::kFixed + 48, "TPM_PT_FIRMWARE_MAX_SVN"},
    {pt::kFixed + 49, "TPM_PT_ML_PARAMETER_SETS"},
    {pt::kVariable + 0, "TPM_PT_PERMANENT"},
    {pt::kVariable + 1, "TPM_PT_STARTUP_CLEAR"},
    {pt::kVariable + 2, "TPM_PT_HR_NV_INDEX"},
    {pt::kVariable + 3, "TPM_PT_HR_LOADED"},
    {pt::kVariable + 4, "TPM_PT_HR_LOADED_AVAIL"},
    {pt::kVariable + 5, "TPM_PT_HR_ACTIVE"},
    {pt::kVariable + 6, "TPM_PT_HR_ACTIVE_AVAIL"},
    {pt::kVariable + 7, "TPM_PT_HR_TRANSIENT_AVAIL"},
    {pt::kVariable + 8, "TPM_PT_HR_PERSISTENT"},
    {pt::kVariable + 9, "TPM_PT_HR_PERSISTENT_AVAIL"},
    {pt::kVariable + 10, "TPM_PT_NV_COUNTERS"},
    {pt::kVariable + 11, "TPM_PT_NV_COUNTERS_AVAIL"},
    {pt::kVariable + 12, "TPM_PT_ALGORITHM_SET"},
    {pt::kVariable + 13, "TPM_PT_LOADED_CURVES"},
    {pt::kVariable + 14, "TPM_PT_LOCKOUT_COUNTER"},
    {pt::kVariable + 15, "TPM_PT_MAX_AUTH_FAIL"},
    {pt::kVariable + 16, "TPM_PT_LOCKOUT_INTERVAL"},
    {pt::kVariable + 17, "TPM_PT_LOCKOUT_RECOVERY"},
    {pt::kVariable + 18, "TPM_PT_NV_WRITE_RECOVERY"},
    {pt::kVariable + 19, "TPM_PT_AUDIT_COUNTER_0"},
    {pt::kVariable + 20, "TPM_PT_AUDIT_COUNTER_1"},
};
static_assert(IsAscending<uint32_t>(kProperties));

}  // namespace

std::string_view PropertyName(uint32_t property) {
  return FindName<uint32_t>(kProperties, property);
}

}  // namespace tpm2

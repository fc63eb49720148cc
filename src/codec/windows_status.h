// What the tables of Windows' statuses (TPM Base Services, NCrypt) share: RcRow is a row of theirs
// too, by the whole HRESULT.
#ifndef TPM2_CODEC_WINDOWS_STATUS_H_
#define TPM2_CODEC_WINDOWS_STATUS_H_

#include <cstdint>
#include <string>

#include "codec/hexadecimal.h"
#include "codec/response_code_table.h"
#include "tpm2/error.h"

namespace tpm2 {

inline constexpr std::string_view kAdviceReportStatus = "This should not happen: please report it.";

// "0x80284001"
inline std::string StatusText(uint32_t status) { return HexNumber(status, 8); }

// "TBS_E_IOERROR (0x80284006): Windows could not reach the TPM."
inline std::string StatusText(uint32_t status, std::string_view name, std::string_view meaning) {
  return std::string(name) + " (" + StatusText(status) + "): " + std::string(meaning);
}

inline Error StatusError(const RcRow& row) {
  Error error(row.code, StatusText(row.value, row.name, row.meaning), std::string(row.suggestion));
  error.hresult = row.value;
  return error;
}

}  // namespace tpm2

#endif  // TPM2_CODEC_WINDOWS_STATUS_H_

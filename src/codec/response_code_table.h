// The tables behind DecodeResponseCode(): one row a code, each table in ascending order of value.
#ifndef TPM2_CODEC_RESPONSE_CODE_TABLE_H_
#define TPM2_CODEC_RESPONSE_CODE_TABLE_H_

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "tpm2/error.h"

namespace tpm2 {

struct RcRow {
  uint32_t value;         // without layer and, for format one, without its subject
  std::string_view name;  // as the document that defines the code writes it
  ErrorCode code;
  std::string_view meaning;     // one sentence
  std::string_view suggestion;  // empty only where there is nothing to do
  bool resubmit = false;        // the command did not run: the same bytes may be sent again
};

// TPM 2.0 Part 2, 6.6: format-zero codes (SUCCESS, BAD_TAG, VER1 + n, WARN + n).
std::span<const RcRow> FormatZeroRows();
// TPM 2.0 Part 2, 6.6: format-one codes (FMT1 + n).
std::span<const RcRow> FormatOneRows();
// TSS 2.0 Overview and Common Structures: the base codes that a TCTI or resource manager sends.
std::span<const RcRow> TssBaseRows();
// Codes that tpm2-abrmd adds to its layer.
std::span<const RcRow> BrokerRows();
// Windows TPM driver: the low word of 0x8028xxxx.
std::span<const RcRow> WindowsRows();

// What rows of several tables advise.
inline constexpr std::string_view kAdviceReport =
    "This points to a mistake in this library or to bytes damaged on the way; please report it "
    "with the command's name.";
inline constexpr std::string_view kAdviceWait = "Send the command again after a short wait.";

// Null when the table has no such value.
const RcRow* FindRow(std::span<const RcRow> rows, uint32_t value);

constexpr bool IsAscending(std::span<const RcRow> rows) {
  for (size_t i = 1; i < rows.size(); ++i) {
    if (rows[i - 1].value >= rows[i].value) return false;
  }
  return true;
}

}  // namespace tpm2

#endif  // TPM2_CODEC_RESPONSE_CODE_TABLE_H_

#include "tpm2/response_code.h"

#include <algorithm>
#include <span>

#include "codec/response_code_table.h"

namespace tpm2 {
namespace {

constexpr uint32_t kTpmLayer = 0x0000;
constexpr uint32_t kFirstTssLayer = 0x0006;  // FAPI, ESAPI, SAPI, MU, then the two below
constexpr uint32_t kTctiLayer = 0x000a;
// The kernel's and tpm2-abrmd's codes come with 0x000b; the TSS specification's name for "a TPM
// code that the resource manager made up" is 0x000c. Both may carry either kind of code.
constexpr uint32_t kResourceManagerLayer = 0x000b;
constexpr uint32_t kResourceManagerTpmLayer = 0x000c;

// Bits of a response code, Part 2 table "Response Code Formats".
constexpr uint32_t kFormatOne = 1u << 7;
constexpr uint32_t kVersionTwo = 1u << 8;   // format zero: 2.0, not 1.2
constexpr uint32_t kVendor = 1u << 10;      // format zero
constexpr uint32_t kParameter = 1u << 6;    // format one
constexpr uint32_t kSession = 1u << 11;     // format one, where it is no parameter
constexpr uint32_t kFormatOneBase = 0x0bf;  // format one without P and N

constexpr RcRow kNotInPartTwo{
    0, "TPM_RC_UNKNOWN", ErrorCode::kTpmRc,
    "The TPM answered with a code that the TPM 2.0 specification does not define.",
    "Compare the number with the TPM vendor's documentation: it may be from a newer revision."};
constexpr RcRow kVendorDefined{
    0, "TPM_RC_UNKNOWN", ErrorCode::kTpmRc, "The TPM answered with a code that its vendor defined.",
    "Look the number up in the TPM vendor's documentation; a firmware update may help."};
constexpr RcRow kVersionOne{
    0, "TPM_RC_UNKNOWN", ErrorCode::kTpmRc, "The answer is an error code of TPM 1.2.",
    "This library needs a TPM 2.0; some firmware setups can switch the TPM from 1.2 to 2.0."};
constexpr RcRow kUnknownTransport{
    0, "TPM_RC_UNKNOWN", ErrorCode::kTransportError,
    "The software between this program and the TPM failed with a code that is not known here.",
    "Look at the log of the resource manager or TCTI module that the connection goes through."};
constexpr RcRow kUnknownWindows{
    0, "TPM_RC_UNKNOWN", ErrorCode::kTransportError,
    "The Windows TPM driver or TPM Base Services answered in the TPM's place with a status that is "
    "not known here.",
    "Look the HRESULT up in winerror.h; tpm.msc shows whether Windows thinks the TPM is ready."};
constexpr RcRow kUnknownLayer{
    0, "TPM_RC_UNKNOWN", ErrorCode::kTpmRc,
    "The response code has bits set that belong to no layer known here.",
    "Check that what answers at the other end of the connection is a TPM 2.0."};

void Describe(const RcRow& row, DecodedRc& out) {
  out.name = row.name;
  out.meaning = row.meaning;
  out.suggestion = row.suggestion;
  out.code = row.code;
  out.resubmit = row.resubmit;
}

void SetSubject(RcSubject subject, unsigned number, DecodedRc& out) {
  if (number == 0) return;  // the TPM says "some parameter", which tells nothing
  out.subject = subject;
  out.number = number;
}

void DecodeFormatOne(uint32_t rc, DecodedRc& out) {
  out.base = rc & kFormatOneBase;
  if (rc & kParameter) {
    SetSubject(RcSubject::kParameter, (rc >> 8) & 0xf, out);
  } else {
    SetSubject(rc & kSession ? RcSubject::kSession : RcSubject::kHandle, (rc >> 8) & 0x7, out);
  }
  const RcRow* row = FindRow(FormatOneRows(), out.base);
  Describe(row ? *row : kNotInPartTwo, out);
}

void DecodeFormatZero(uint32_t rc, DecodedRc& out) {
  constexpr uint32_t kReferences = 7;  // handles H0..H6, sessions S0..S6
  constexpr uint32_t kH0 = 0x910;
  constexpr uint32_t kS0 = 0x918;
  if (const RcRow* row = FindRow(FormatZeroRows(), rc)) {
    if (rc - kH0 < kReferences) SetSubject(RcSubject::kHandle, rc - kH0 + 1, out);
    if (rc - kS0 < kReferences) SetSubject(RcSubject::kSession, rc - kS0 + 1, out);
    Describe(*row, out);
  } else if (!(rc & kVersionTwo)) {
    Describe(kVersionOne, out);
  } else {
    Describe(rc & kVendor ? kVendorDefined : kNotInPartTwo, out);
  }
}

// `rc` is what the TPM itself would have sent: sixteen bits, of which twelve have a meaning.
void DecodeTpm(uint32_t rc, DecodedRc& out) {
  if (rc > 0xfff) {
    Describe(kNotInPartTwo, out);
  } else if (rc & kFormatOne) {
    DecodeFormatOne(rc, out);
  } else {
    DecodeFormatZero(rc, out);
  }
}

void DecodeTssBase(uint32_t rc, DecodedRc& out) {
  const RcRow* row = FindRow(TssBaseRows(), rc);
  Describe(row ? *row : kUnknownTransport, out);
}

// The codes of its own do not collide with the TPM's: the TPM's have FMT1 or VER1 set.
void DecodeResourceManager(uint32_t rc, DecodedRc& out) {
  const RcRow* row = FindRow(TssBaseRows(), rc);
  if (!row) row = FindRow(BrokerRows(), rc);
  if (row) {
    Describe(*row, out);
  } else if (rc == 0 || rc > 0xfff) {
    Describe(kUnknownTransport, out);
  } else {
    DecodeTpm(rc, out);
  }
}

// TBS answers in the TPM's place with an HRESULT whose low word is the TPM's code, its own status
// (0x400 and 0x800 up) or a TBS_E_ code (0x4000 up).
void DecodeWindows(uint32_t low, DecodedRc& out) {
  if (const RcRow* row = FindRow(WindowsRows(), low)) {
    Describe(*row, out);
  } else if (const auto code = TpmCodeOf(out.raw)) {
    DecodeTpm(*code, out);
  } else {
    Describe(kUnknownWindows, out);
  }
}

}  // namespace

std::optional<uint32_t> TpmCodeOf(uint32_t windows_status) {
  const uint32_t low = windows_status & 0xffff;
  const bool of_tpm = low != 0 && (low < 0x400 || (low & 0xff00) == 0x900);
  return IsWindowsStatus(windows_status) && of_tpm ? std::optional(low) : std::nullopt;
}

const RcRow* FindRow(std::span<const RcRow> rows, uint32_t value) {
  const auto row = std::lower_bound(rows.begin(), rows.end(), value,
                                    [](const RcRow& r, uint32_t v) { return r.value < v; });
  return row != rows.end() && row->value == value ? &*row : nullptr;
}

DecodedRc DecodeResponseCode(uint32_t rc) {
  DecodedRc out;
  out.raw = rc;
  out.layer = rc >> 16;
  out.base = rc & 0xffff;
  if (out.layer == kTpmLayer) {
    DecodeTpm(out.base, out);
  } else if (out.layer == kResourceManagerLayer || out.layer == kResourceManagerTpmLayer) {
    DecodeResourceManager(out.base, out);
  } else if (out.layer >= kFirstTssLayer && out.layer <= kTctiLayer) {
    DecodeTssBase(out.base, out);
  } else if (IsWindowsStatus(rc)) {
    DecodeWindows(out.base, out);
  } else {
    Describe(kUnknownLayer, out);
  }
  return out;
}

}  // namespace tpm2

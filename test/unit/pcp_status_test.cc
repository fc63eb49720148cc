// Every row of the status tables in docs/windows-pcp.md.
#include <gtest/gtest.h>

#include <utility>
#include <vector>

#include "pcp/status.h"
#include "tpm2/response_code.h"
#include "transport/tbs_status.h"

namespace tpm2 {
namespace {

using enum ErrorCode;
using Call = TbsSituation::Call;
using pcp::Situation;
using Step = Situation::Step;

Buffer Command(uint32_t code, uint32_t first_handle = 0) {
  Buffer bytes = {0x80, 0x01, 0, 0, 0, 14, 0, 0, 0, 0, 0, 0, 0, 0};
  for (size_t i = 0; i < 4; ++i) {
    bytes[6 + i] = static_cast<uint8_t>(code >> (24 - 8 * i));
    bytes[10 + i] = static_cast<uint8_t>(first_handle >> (24 - 8 * i));
  }
  return bytes;
}

TEST(TbsStatus, HasAStableCodeForEveryRow) {
  const std::vector<std::pair<uint32_t, ErrorCode>> rows = {
      {0x80284001, kTransportError}, {0x80284002, kTransportError}, {0x80284003, kTransportError},
      {0x80284004, kTransportError}, {0x80284005, kTransportError}, {0x80284006, kTransportError},
      {0x80284007, kNotSupported},   {0x80284008, kTpmUnavailable}, {0x80284009, kTransportError},
      {0x8028400a, kTransportError}, {0x8028400b, kTpmUnavailable}, {0x8028400c, kNotSupported},
      {0x8028400d, kTransportError}, {0x8028400e, kTransportError}, {0x8028400f, kTpmUnavailable},
      {0x80284010, kTpmUnavailable}, {0x80284011, kNotSupported},   {0x80284012, kAccessDenied},
      {0x80284013, kNotSupported},   {0x80284014, kNotSupported},   {0x80284015, kNotSupported},
      {0x80284016, kTpmUnavailable}, {0x80070005, kAccessDenied},   {0x80280403, kCommandBlocked},
      {0x80280404, kCommandBlocked}, {0x80284099, kTransportError}, {0x8007000e, kTransportError}};
  for (const auto& [status, code] : rows) {
    const Error error = TbsFailure(status, {Call::kSubmit, Command(0x17b), true});
    EXPECT_EQ(error.code, code) << std::hex << status;
    EXPECT_EQ(error.hresult, status);
    EXPECT_FALSE(TbsIsResponseCode(status)) << std::hex << status;
    EXPECT_NE(error.message.find("0x80"), std::string::npos) << error.message;
    EXPECT_FALSE(error.suggestion.empty()) << std::hex << status;
  }
}

TEST(TbsStatus, AsksForElevationOnlyWhereItWouldHelp) {
  for (uint32_t status : {0x80284012u, 0x80070005u}) {
    EXPECT_EQ(TbsFailure(status, {Call::kOpen, {}, false}).code, kRequiresElevation);
  }
  const auto blocked = [](const Buffer& command, bool elevated) {
    return TbsFailure(0x80280400, {Call::kSubmit, command, elevated}).code;
  };
  // NV_DefineSpace, NV_UndefineSpace, PCR_Extend, ActivateCredential, EvictControl, Clear,
  // DictionaryAttackLockReset.
  for (uint32_t code : {0x12au, 0x122u, 0x182u, 0x147u, 0x120u, 0x126u, 0x139u}) {
    EXPECT_EQ(blocked(Command(code), false), kRequiresElevation) << std::hex << code;
    EXPECT_EQ(blocked(Command(code), true), kCommandBlocked) << std::hex << code;
  }
  // Startup, Shutdown, ContextSave, EncryptDecrypt, EncryptDecrypt2, Policy_AC_SendSelect.
  for (uint32_t code : {0x144u, 0x145u, 0x162u, 0x164u, 0x193u, 0x194u}) {
    EXPECT_EQ(blocked(Command(code), false), kCommandBlocked) << std::hex << code;
  }
  EXPECT_EQ(blocked(Command(0x151, 0x4000000b), false), kRequiresElevation);  // PolicySecret
  EXPECT_EQ(blocked(Command(0x151, 0x40000001), false), kCommandBlocked);
  EXPECT_EQ(blocked(Buffer(3, 0), false), kCommandBlocked);
  EXPECT_EQ(TbsFailure(0x80280403, {Call::kSubmit, Command(0x182), false}).code, kCommandBlocked);
}

TEST(TbsStatus, TakesResponseCodesForWhatTheyAre) {
  for (uint32_t code : {0x84u, 0x1d5u, 0x922u, 0x98eu}) {
    EXPECT_TRUE(TbsIsResponseCode(0x80280000 | code));
    EXPECT_EQ(TpmCodeOf(0x80280000 | code), code);
    EXPECT_FALSE(TpmCodeOf(code));
  }
  for (uint32_t driver : {0x80280401u, 0x80280402u, 0x80280800u, 0x80280803u}) {
    EXPECT_TRUE(TbsIsResponseCode(driver));
    EXPECT_FALSE(TpmCodeOf(driver));
  }
  for (uint32_t other : {0x80280000u, 0x80280400u, 0x80280804u, 0x80284005u, 0x80290401u}) {
    EXPECT_FALSE(TbsIsResponseCode(other)) << std::hex << other;
    EXPECT_FALSE(TpmCodeOf(other)) << std::hex << other;
  }
}

TEST(TbsStatus, KnowsWhatPasses) {
  for (uint32_t status : {0x80284009u, 0x8028400au, 0x8028400bu}) EXPECT_TRUE(TbsPasses(status));
  for (uint32_t status : {0x80284005u, 0x8028400fu, 0x80284010u}) EXPECT_FALSE(TbsPasses(status));
}

TEST(TbsStatus, TellsSpecialCasesApart) {
  EXPECT_EQ(TbsFailure(0x80284001, {Call::kEventLog, {}, true}).code, kNotSupported);
  EXPECT_EQ(TbsFailure(0x8028400d, {Call::kSubmit, Command(0x17b), true}).tpm_rc, 0x909u);
  EXPECT_FALSE(TbsFailure(0x80284005, {Call::kSubmit, Command(0x17b), true}).tpm_rc);
}

TEST(PcpStatus, HasAStableCodeForEveryRow) {
  const std::vector<std::pair<uint32_t, ErrorCode>> rows = {
      {0x80090011, kKeyNotFound},     {0x80090016, kKeyNotFound},
      {0x8009000d, kKeyNotFound},     {0x8009000f, kAlreadyExists},
      {0x80090010, kAccessDenied},    {0x80070005, kAccessDenied},
      {0x00000005, kAccessDenied},    {0x80090030, kTpmUnavailable},
      {0x80090035, kTpmUnavailable},  {0x8009001d, kTpmUnavailable},
      {0x8009001e, kTpmUnavailable},  {0x80090013, kTpmUnavailable},
      {0x80090029, kNotSupported},    {0x80090009, kTransportError},
      {0x80090027, kInvalidArgument}, {0x80090025, kInvalidArgument},
      {0x80090026, kTransportError},  {0x80090028, kTransportError},
      {0x80090022, kAccessDenied},    {0x80090036, kAccessDenied},
      {0x8009002d, kTransportError},  {0x80090020, kTransportError},
      {0x8009000b, kTransportError},  {0x80290401, kTpmUnavailable},
      {0x80290402, kTransportError},  {0x80290403, kInvalidArgument},
      {0x80290404, kTransportError},  {0x80290405, kNotSupported},
      {0x80290406, kTransportError},  {0x80290407, kTransportError},
      {0x80290408, kAuthFailed},      {0x80290409, kTransportError},
      {0x8029040a, kNotSupported},    {0x8029040b, kKeyNotFound},
      {0x8029040c, kIntegrity},       {0x80280400, kCommandBlocked},
      {0x80280401, kTpmRc},           {0x80284010, kTpmUnavailable},
      {0x8028400f, kTpmUnavailable},  {0x802801df, kIntegrity},
      {0x80090099, kTransportError}};
  for (const auto& [status, code] : rows) {
    const Error error = pcp::Failure(status, {Step::kUseKey, false, true, "NCryptOpenKey"});
    EXPECT_EQ(error.code, code) << std::hex << status << error.message;
    EXPECT_EQ(error.hresult, status);
    EXPECT_NE(error.message.find("NCryptOpenKey"), std::string::npos);
    EXPECT_FALSE(error.suggestion.empty()) << std::hex << status;
  }
}

TEST(PcpStatus, CarriesTheTpmsOwnCode) {
  const Error error = pcp::Failure(0x80280084, {Step::kActivate, false, true, "get"});
  EXPECT_EQ(error.tpm_rc, 0x084u);
  EXPECT_EQ(error.rc_name, "TPM_RC_VALUE");
  EXPECT_EQ(error.hresult, 0x80280084u);
  // Windows' own status is none of the TPM's.
  const Error own = pcp::Failure(0x80280401, {Step::kUseKey, false, true, "get"});
  EXPECT_FALSE(own.tpm_rc);
  EXPECT_EQ(own.hresult, 0x80280401u);
}

TEST(PcpStatus, AsksForElevationOnlyWhereItWouldHelp) {
  const auto code = [](uint32_t status, Step step, bool machine, bool elevated) {
    return pcp::Failure(status, {step, machine, elevated, "call"}).code;
  };
  for (uint32_t denial : {0x5u, 0x80070005u, 0x80090010u}) {
    for (Step step : {Step::kCreateKey, Step::kDeleteKey}) {
      EXPECT_EQ(code(denial, step, true, false), kRequiresElevation);
      EXPECT_EQ(code(denial, step, true, true), kAccessDenied);
      EXPECT_EQ(code(denial, step, false, false), kAccessDenied);
    }
    EXPECT_EQ(code(denial, Step::kActivate, false, false), kRequiresElevation);
    EXPECT_EQ(code(denial, Step::kOpenKey, true, false), kAccessDenied);
  }
  for (uint32_t internal : {0x8009002du, 0x80090020u}) {
    EXPECT_EQ(code(internal, Step::kCreateKey, true, false), kRequiresElevation);
    EXPECT_EQ(code(internal, Step::kCreateKey, true, true), kTransportError);
  }
  // The ways in which Windows was seen to refuse activation, or may.
  for (uint32_t refused : {0x80090030u, 0x80290401u, 0x80280084u, 0x80280400u}) {
    EXPECT_EQ(code(refused, Step::kActivate, false, false), kRequiresElevation);
    EXPECT_NE(code(refused, Step::kActivate, false, true), kRequiresElevation);
    EXPECT_NE(code(refused, Step::kUseKey, false, false), kRequiresElevation);
  }
}

TEST(PcpStatus, KnowsThreeWaysOfMissing) {
  for (uint32_t status : {0x80090011u, 0x80090016u, 0x8009000du}) {
    EXPECT_TRUE(pcp::IsKeyMissing(status));
  }
  EXPECT_FALSE(pcp::IsKeyMissing(0x80090010));
}

}  // namespace
}  // namespace tpm2

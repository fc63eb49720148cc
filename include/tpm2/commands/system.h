// TPM 2.0 Part 3, 9, 10, 16, 22, 28, 29, 30: start, self test, random numbers, PCRs, time,
// capabilities.
#ifndef TPM2_COMMANDS_SYSTEM_H_
#define TPM2_COMMANDS_SYSTEM_H_

#include "tpm2/command.h"
#include "tpm2/structures/capability.h"
#include "tpm2/structures/public.h"

namespace tpm2 {

// Part 3 9.3.
struct Startup {
  static constexpr CommandCode kCode = CommandCode::kStartup;
  using Response = NoResponse;
  StartupType startup_type{};
  static constexpr auto Fields() {
    return Declare<Startup>(F<&Startup::startup_type>("startupType"));
  }
};

// Part 3 9.4.
struct Shutdown {
  static constexpr CommandCode kCode = CommandCode::kShutdown;
  using Response = NoResponse;
  StartupType shutdown_type{};
  static constexpr auto Fields() {
    return Declare<Shutdown>(F<&Shutdown::shutdown_type>("shutdownType"));
  }
};

// Part 3 10.2.
struct SelfTest {
  static constexpr CommandCode kCode = CommandCode::kSelfTest;
  using Response = NoResponse;
  bool full_test = false;
  static constexpr auto Fields() { return Declare<SelfTest>(F<&SelfTest::full_test>("fullTest")); }
};

struct GetTestResultResponse {
  Bytes<1024> out_data;
  uint32_t test_result = 0;
  static constexpr auto Fields() {
    return Declare<GetTestResultResponse>(F<&GetTestResultResponse::out_data>("outData"),
                                          F<&GetTestResultResponse::test_result>("testResult"));
  }
};

// Part 3 10.4.
struct GetTestResult {
  static constexpr CommandCode kCode = CommandCode::kGetTestResult;
  using Response = GetTestResultResponse;
  static constexpr auto Fields() { return Declare<GetTestResult>(); }
};

struct GetRandomResponse {
  Secret<64> random_bytes;
  static constexpr auto Fields() {
    return Declare<GetRandomResponse>(F<&GetRandomResponse::random_bytes>("randomBytes"));
  }
};

// Part 3 16.1.
struct GetRandom {
  static constexpr CommandCode kCode = CommandCode::kGetRandom;
  using Response = GetRandomResponse;
  uint16_t bytes_requested = 0;
  static constexpr auto Fields() {
    return Declare<GetRandom>(F<&GetRandom::bytes_requested>("bytesRequested"));
  }
};

// Part 3 16.2.
struct StirRandom {
  static constexpr CommandCode kCode = CommandCode::kStirRandom;
  using Response = NoResponse;
  Secret<128> in_data;
  static constexpr auto Fields() { return Declare<StirRandom>(F<&StirRandom::in_data>("inData")); }
};

// Part 3 22.2.
struct PcrExtend {
  static constexpr CommandCode kCode = CommandCode::kPcrExtend;
  using Response = NoResponse;
  UserHandle pcr;
  DigestValueList digests;
  static constexpr auto Fields() {
    return Declare<PcrExtend>(F<&PcrExtend::pcr>("pcrHandle"), F<&PcrExtend::digests>("digests"));
  }
};

struct PcrEventResponse {
  DigestValueList digests;
  static constexpr auto Fields() {
    return Declare<PcrEventResponse>(F<&PcrEventResponse::digests>("digests"));
  }
};

// Part 3 22.3.
struct PcrEvent {
  static constexpr CommandCode kCode = CommandCode::kPcrEvent;
  using Response = PcrEventResponse;
  UserHandle pcr;
  Bytes<1024> event_data;
  static constexpr auto Fields() {
    return Declare<PcrEvent>(F<&PcrEvent::pcr>("pcrHandle"), F<&PcrEvent::event_data>("eventData"));
  }
};

struct PcrReadResponse {
  uint32_t update_counter = 0;
  PcrSelectionList selection;
  DigestList values;
  static constexpr auto Fields() {
    return Declare<PcrReadResponse>(F<&PcrReadResponse::update_counter>("pcrUpdateCounter"),
                                    F<&PcrReadResponse::selection>("pcrSelectionOut"),
                                    F<&PcrReadResponse::values>("pcrValues"));
  }
};

// Part 3 22.4.
struct PcrRead {
  static constexpr CommandCode kCode = CommandCode::kPcrRead;
  using Response = PcrReadResponse;
  PcrSelectionList selection;
  static constexpr auto Fields() {
    return Declare<PcrRead>(F<&PcrRead::selection>("pcrSelectionIn"));
  }
};

// Part 3 22.8.
struct PcrReset {
  static constexpr CommandCode kCode = CommandCode::kPcrReset;
  using Response = NoResponse;
  UserHandle pcr;
  static constexpr auto Fields() { return Declare<PcrReset>(F<&PcrReset::pcr>("pcrHandle")); }
};

struct ReadClockResponse {
  TimeInfo current_time;
  static constexpr auto Fields() {
    return Declare<ReadClockResponse>(F<&ReadClockResponse::current_time>("currentTime"));
  }
};

// Part 3 29.1.
struct ReadClock {
  static constexpr CommandCode kCode = CommandCode::kReadClock;
  using Response = ReadClockResponse;
  static constexpr auto Fields() { return Declare<ReadClock>(); }
};

struct GetCapabilityResponse {
  bool more_data = false;
  CapabilityData data;
  static constexpr auto Fields() {
    return Declare<GetCapabilityResponse>(F<&GetCapabilityResponse::more_data>("moreData"),
                                          F<&GetCapabilityResponse::data>("capabilityData"));
  }
};

// Part 3 30.2.
struct GetCapability {
  static constexpr CommandCode kCode = CommandCode::kGetCapability;
  using Response = GetCapabilityResponse;
  Capability capability{};
  uint32_t property = 0;
  uint32_t property_count = 0;
  static constexpr auto Fields() {
    return Declare<GetCapability>(F<&GetCapability::capability>("capability"),
                                  F<&GetCapability::property>("property"),
                                  F<&GetCapability::property_count>("propertyCount"));
  }
};

// Part 3 28.4.
struct FlushContext {
  static constexpr CommandCode kCode = CommandCode::kFlushContext;
  using Response = NoResponse;
  uint32_t flush_handle = 0;
  static constexpr auto Fields() {
    return Declare<FlushContext>(F<&FlushContext::flush_handle>("flushHandle"));
  }
};

// Part 3 25.2.
struct DictionaryAttackLockReset {
  static constexpr CommandCode kCode = CommandCode::kDictionaryAttackLockReset;
  using Response = NoResponse;
  UserHandle lock_handle;
  static constexpr auto Fields() {
    return Declare<DictionaryAttackLockReset>(
        F<&DictionaryAttackLockReset::lock_handle>("lockHandle"));
  }
};

// Part 3 25.3. Times in seconds.
struct DictionaryAttackParameters {
  static constexpr CommandCode kCode = CommandCode::kDictionaryAttackParameters;
  using Response = NoResponse;
  UserHandle lock_handle;
  uint32_t new_max_tries = 0;
  uint32_t new_recovery_time = 0;
  uint32_t lockout_recovery = 0;
  static constexpr auto Fields() {
    return Declare<DictionaryAttackParameters>(
        F<&DictionaryAttackParameters::lock_handle>("lockHandle"),
        F<&DictionaryAttackParameters::new_max_tries>("newMaxTries"),
        F<&DictionaryAttackParameters::new_recovery_time>("newRecoveryTime"),
        F<&DictionaryAttackParameters::lockout_recovery>("lockoutRecovery"));
  }
};

// Part 3 30.3; the parameter is a TPMT_PUBLIC_PARMS, Part 2 12.2.3.8.
struct TestParms {
  static constexpr CommandCode kCode = CommandCode::kTestParms;
  using Response = NoResponse;
  AlgId type{};
  decltype(Public::parameters) parameters;
  static constexpr auto Fields() {
    return Declare<TestParms>(F<&TestParms::type>("type"),
                              F<&TestParms::parameters, &TestParms::type>("parameters"));
  }
};

}  // namespace tpm2

#endif  // TPM2_COMMANDS_SYSTEM_H_

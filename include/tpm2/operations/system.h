// The TPM itself: identity, capabilities, random numbers, clock, PCRs, public areas.
#ifndef TPM2_OPERATIONS_SYSTEM_H_
#define TPM2_OPERATIONS_SYSTEM_H_

#include "tpm2/operations/common.h"

namespace tpm2::op {

struct LockoutStatus {
  bool in_lockout = false;
  uint32_t counter = 0;           // failures counted now
  uint32_t max_tries = 0;         // failures that lead to lockout
  uint32_t recovery_time = 0;     // seconds until one failure is forgotten
  uint32_t lockout_recovery = 0;  // seconds until the lockout auth may be tried again
  static constexpr auto Fields() {
    return Record(F<&LockoutStatus::in_lockout>("inLockout"), F<&LockoutStatus::counter>("counter"),
                  F<&LockoutStatus::max_tries>("maxTries"),
                  F<&LockoutStatus::recovery_time>("recoveryTime"),
                  F<&LockoutStatus::lockout_recovery>("lockoutRecovery"));
  }
};

struct GetLockoutStatus {
  static constexpr const char* kName = "lockoutStatus";
  using Result = LockoutStatus;
  static constexpr auto Fields() { return Record(); }
};
// Forgets the counted failures.
struct LockoutReset {
  static constexpr const char* kName = "lockoutReset";
  using Result = Nothing;
  std::optional<SecretBytes> lockout_auth;
  static constexpr auto Fields() { return Record(F<&LockoutReset::lockout_auth>("lockoutAuth")); }
};
struct LockoutConfigure {
  static constexpr const char* kName = "lockoutConfigure";
  using Result = Nothing;
  uint32_t max_tries = 0;
  uint32_t recovery_time = 0;
  uint32_t lockout_recovery = 0;
  std::optional<SecretBytes> lockout_auth;
  static constexpr auto Fields() {
    return Record(F<&LockoutConfigure::max_tries>("maxTries"),
                  F<&LockoutConfigure::recovery_time>("recoveryTime"),
                  F<&LockoutConfigure::lockout_recovery>("lockoutRecovery"),
                  F<&LockoutConfigure::lockout_auth>("lockoutAuth"));
  }
};

struct InfoResult {
  std::string manufacturer;
  std::string firmware_version;
  bool is_virtual = false;
  std::string spec;
  std::string vendor_string;
  std::string spec_revision;
  uint32_t spec_year = 0;
  std::string tcti;
  std::optional<std::string> warning;
  uint32_t max_digest = 0;
  LockoutStatus lockout;
  std::vector<std::string> pcr_banks;
  std::vector<std::string> algorithms;
  std::vector<std::string> curves;
  std::vector<uint32_t> rsa_sizes;
  static constexpr auto Fields() {
    return Record(F<&InfoResult::manufacturer>("manufacturer"),
                  F<&InfoResult::firmware_version>("firmwareVersion"),
                  F<&InfoResult::is_virtual>("isVirtual"), F<&InfoResult::spec>("spec"),
                  F<&InfoResult::vendor_string>("vendorString"),
                  F<&InfoResult::spec_revision>("specRevision"),
                  F<&InfoResult::spec_year>("specYear"), F<&InfoResult::tcti>("tcti"),
                  F<&InfoResult::warning>("warning"), F<&InfoResult::max_digest>("maxDigest"),
                  F<&InfoResult::lockout>("lockout"), F<&InfoResult::pcr_banks>("pcrBanks"),
                  F<&InfoResult::algorithms>("algorithms"), F<&InfoResult::curves>("curves"),
                  F<&InfoResult::rsa_sizes>("rsaSizes"));
  }
};
struct Info {
  static constexpr const char* kName = "info";
  using Result = InfoResult;
  static constexpr auto Fields() { return Record(); }
};

// Does a TPM 2.0 answer? Throws what is wrong when none does.
struct Probe {
  static constexpr const char* kName = "probe";
  using Result = Nothing;
  static constexpr auto Fields() { return Record(); }
};

struct AlgorithmInfo {
  std::string name;
  uint32_t id = 0;
  std::vector<std::string> attributes;
  static constexpr auto Fields() {
    return Record(F<&AlgorithmInfo::name>("name"), F<&AlgorithmInfo::id>("id"),
                  F<&AlgorithmInfo::attributes>("attributes"));
  }
};
struct HandleLists {
  std::vector<uint32_t> transient, persistent, nv, sessions;
  static constexpr auto Fields() {
    return Record(F<&HandleLists::transient>("transient"),
                  F<&HandleLists::persistent>("persistent"), F<&HandleLists::nv>("nv"),
                  F<&HandleLists::sessions>("sessions"));
  }
};
using BankMap = std::map<std::string, std::vector<uint32_t>>;
struct CapabilitiesResult {
  std::vector<AlgorithmInfo> algorithms;
  std::vector<std::string> commands;
  std::vector<std::string> ecc_curves;
  BankMap pcr_banks;
  HandleLists handles;
  std::map<std::string, uint32_t> properties;
  static constexpr auto Fields() {
    return Record(F<&CapabilitiesResult::algorithms>("algorithms"),
                  F<&CapabilitiesResult::commands>("commands"),
                  F<&CapabilitiesResult::ecc_curves>("eccCurves"),
                  F<&CapabilitiesResult::pcr_banks>("pcrBanks"),
                  F<&CapabilitiesResult::handles>("handles"),
                  F<&CapabilitiesResult::properties>("properties"));
  }
};
struct Capabilities {
  static constexpr const char* kName = "capabilities";
  using Result = CapabilitiesResult;
  static constexpr auto Fields() { return Record(); }
};

struct SelfTestOp {
  static constexpr const char* kName = "selfTest";
  using Result = Nothing;
  bool full = true;
  static constexpr auto Fields() { return Record(F<&SelfTestOp::full>("full")); }
};

struct ClockResult {
  uint64_t time = 0;   // milliseconds since power-on
  uint64_t clock = 0;  // milliseconds, persistent
  uint32_t reset_count = 0;
  uint32_t restart_count = 0;
  bool safe = false;
  static constexpr auto Fields() {
    return Record(F<&ClockResult::time>("time"), F<&ClockResult::clock>("clock"),
                  F<&ClockResult::reset_count>("resetCount"),
                  F<&ClockResult::restart_count>("restartCount"), F<&ClockResult::safe>("safe"));
  }
};
struct Clock {
  static constexpr const char* kName = "clock";
  using Result = ClockResult;
  static constexpr auto Fields() { return Record(); }
};

struct RandomBytes {
  static constexpr const char* kName = "randomBytes";
  using Result = SecretBytes;
  uint32_t count = 0;
  static constexpr auto Fields() { return Record(F<&RandomBytes::count>("count")); }
};
struct StirRandomOp {
  static constexpr const char* kName = "stirRandom";
  using Result = Nothing;
  SecretBytes data;
  static constexpr auto Fields() { return Record(F<&StirRandomOp::data>("data")); }
};

struct PcrReadOp {
  static constexpr const char* kName = "pcrRead";
  using Result = std::vector<PcrValue>;
  std::vector<BankSelection> selection;
  static constexpr auto Fields() { return Record(F<&PcrReadOp::selection>("selection")); }
};
struct PcrExtendOp {
  static constexpr const char* kName = "pcrExtend";
  using Result = Nothing;
  uint32_t index = 0;
  std::string bank;
  Buffer digest;
  static constexpr auto Fields() {
    return Record(F<&PcrExtendOp::index>("index"), F<&PcrExtendOp::bank>("bank"),
                  F<&PcrExtendOp::digest>("digest"));
  }
};
struct PcrEventOp {
  static constexpr const char* kName = "pcrEvent";
  using Result = std::map<std::string, Buffer>;  // what was extended, by bank
  uint32_t index = 0;
  Buffer data;
  static constexpr auto Fields() {
    return Record(F<&PcrEventOp::index>("index"), F<&PcrEventOp::data>("data"));
  }
};
struct PcrResetOp {
  static constexpr const char* kName = "pcrReset";
  using Result = Nothing;
  uint32_t index = 0;
  static constexpr auto Fields() { return Record(F<&PcrResetOp::index>("index")); }
};
struct PcrBanks {
  static constexpr const char* kName = "pcrBanks";
  using Result = BankMap;
  static constexpr auto Fields() { return Record(); }
};

struct PublicResult {
  uint32_t handle = 0;
  std::string type;
  std::string name_alg;
  uint32_t attributes = 0;
  Buffer name;  // bare, nameAlg included
  Buffer qualified_name;
  Buffer public_area;                    // TPM2B_PUBLIC
  std::optional<Buffer> public_key_der;  // SubjectPublicKeyInfo; absent for symmetric objects
  static constexpr auto Fields() {
    return Record(F<&PublicResult::handle>("handle"), F<&PublicResult::type>("type"),
                  F<&PublicResult::name_alg>("nameAlg"), F<&PublicResult::attributes>("attributes"),
                  F<&PublicResult::name>("name"), F<&PublicResult::qualified_name>("qualifiedName"),
                  F<&PublicResult::public_area>("public"),
                  F<&PublicResult::public_key_der>("publicKeyDer"));
  }
};
struct ReadPublicOp {
  static constexpr const char* kName = "readPublic";
  using Result = PublicResult;
  uint32_t handle = 0;
  static constexpr auto Fields() { return Record(F<&ReadPublicOp::handle>("handle")); }
};

}  // namespace tpm2::op

namespace tpm2 {
op::InfoResult Run(Client& client, const CallOptions& options, const op::Info& request);
Nothing Run(Client&, const CallOptions&, const op::Probe&);
op::CapabilitiesResult Run(Client&, const CallOptions&, const op::Capabilities&);
Nothing Run(Client&, const CallOptions&, const op::SelfTestOp&);
op::LockoutStatus Run(Client&, const CallOptions&, const op::GetLockoutStatus&);
Nothing Run(Client&, const CallOptions&, const op::LockoutReset&);
Nothing Run(Client&, const CallOptions&, const op::LockoutConfigure&);
op::ClockResult Run(Client&, const CallOptions&, const op::Clock&);
SecretBytes Run(Client&, const CallOptions&, const op::RandomBytes&);
Nothing Run(Client&, const CallOptions&, const op::StirRandomOp&);
std::vector<PcrValue> Run(Client&, const CallOptions&, const op::PcrReadOp&);
Nothing Run(Client&, const CallOptions&, const op::PcrExtendOp&);
std::map<std::string, Buffer> Run(Client&, const CallOptions&, const op::PcrEventOp&);
Nothing Run(Client&, const CallOptions&, const op::PcrResetOp&);
op::BankMap Run(Client&, const CallOptions&, const op::PcrBanks&);
op::PublicResult Run(Client&, const CallOptions&, const op::ReadPublicOp&);
}  // namespace tpm2

#endif  // TPM2_OPERATIONS_SYSTEM_H_

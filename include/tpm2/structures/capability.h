// TPM 2.0 Part 2, 10.8 to 10.10: what GetCapability answers.
#ifndef TPM2_STRUCTURES_CAPABILITY_H_
#define TPM2_STRUCTURES_CAPABILITY_H_

#include "tpm2/structures/basic.h"

namespace tpm2 {

// TPMS_ALG_PROPERTY, Part 2 10.8.1. TPMA_ALGORITHM: bit 0 asymmetric, 1 symmetric, 2 hash, 3
// object, 8 signing, 9 encrypting, 10 method.
struct AlgProperty {
  AlgId algorithm{};
  uint32_t properties = 0;
  static constexpr auto Fields() {
    return Declare<AlgProperty>(F<&AlgProperty::algorithm>("alg"),
                                F<&AlgProperty::properties>("algProperties"));
  }
};

// TPMS_TAGGED_PROPERTY, Part 2 10.8.2.
struct TaggedProperty {
  uint32_t property = 0;
  uint32_t value = 0;
  static constexpr auto Fields() {
    return Declare<TaggedProperty>(F<&TaggedProperty::property>("property"),
                                   F<&TaggedProperty::value>("value"));
  }
};

// TPMS_TAGGED_PCR_SELECT, Part 2 10.8.3.
struct TaggedPcrSelect {
  uint32_t tag = 0;
  ShortOctets<32> select;
  static constexpr auto Fields() {
    return Declare<TaggedPcrSelect>(F<&TaggedPcrSelect::tag>("tag"),
                                    F<&TaggedPcrSelect::select>("pcrSelect"));
  }
};

// TPMS_TAGGED_POLICY, Part 2 10.8.4.
struct TaggedPolicy {
  uint32_t handle = 0;
  HashValue policy;
  static constexpr auto Fields() {
    return Declare<TaggedPolicy>(F<&TaggedPolicy::handle>("handle"),
                                 F<&TaggedPolicy::policy>("policyHash"));
  }
};

// TPMU_CAPABILITIES, Part 2 10.10.1. A TPM fits one answer into 1024 octets.
using CapabilityLists = Union<Case<Capability::kAlgs, List<AlgProperty, 256>>,
                              Case<Capability::kHandles, List<uint32_t, 512>>,
                              Case<Capability::kCommands, List<uint32_t, 512>>,
                              Case<Capability::kPpCommands, List<uint32_t, 512>>,
                              Case<Capability::kAuditCommands, List<uint32_t, 512>>,
                              Case<Capability::kPcrs, PcrSelectionList>,
                              Case<Capability::kTpmProperties, List<TaggedProperty, 256>>,
                              Case<Capability::kPcrProperties, List<TaggedPcrSelect, 256>>,
                              Case<Capability::kEccCurves, List<EccCurve, 512>>,
                              Case<Capability::kAuthPolicies, List<TaggedPolicy, 64>>>;

// TPMS_CAPABILITY_DATA, Part 2 10.10.2.
struct CapabilityData {
  Capability capability{};
  CapabilityLists data;
  static constexpr auto Fields() {
    return Declare<CapabilityData>(F<&CapabilityData::capability>("capability"),
                                   F<&CapabilityData::data, &CapabilityData::capability>("data"));
  }
};

}  // namespace tpm2

#endif  // TPM2_STRUCTURES_CAPABILITY_H_

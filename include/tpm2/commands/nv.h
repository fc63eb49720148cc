// TPM 2.0 Part 3, 31: non-volatile storage.
#ifndef TPM2_COMMANDS_NV_H_
#define TPM2_COMMANDS_NV_H_

#include "tpm2/command.h"
#include "tpm2/structures/nv.h"

namespace tpm2 {

// Part 3 31.3.
struct NvDefineSpace {
  static constexpr CommandCode kCode = CommandCode::kNvDefineSpace;
  using Response = NoResponse;
  UserHandle auth_handle;
  Auth auth;
  Sized<NvPublic> public_info;
  static constexpr auto Fields() {
    return Declare<NvDefineSpace>(F<&NvDefineSpace::auth_handle>("authHandle"),
                                  F<&NvDefineSpace::auth>("auth"),
                                  F<&NvDefineSpace::public_info>("publicInfo"));
  }
};

// Part 3 31.4.
struct NvUndefineSpace {
  static constexpr CommandCode kCode = CommandCode::kNvUndefineSpace;
  using Response = NoResponse;
  UserHandle auth_handle;
  PlainHandle nv_index;
  static constexpr auto Fields() {
    return Declare<NvUndefineSpace>(F<&NvUndefineSpace::auth_handle>("authHandle"),
                                    F<&NvUndefineSpace::nv_index>("nvIndex"));
  }
};

struct NvReadPublicResponse {
  Sized<NvPublic> nv_public;
  NameBytes nv_name;
  static constexpr auto Fields() {
    return Declare<NvReadPublicResponse>(F<&NvReadPublicResponse::nv_public>("nvPublic"),
                                         F<&NvReadPublicResponse::nv_name>("nvName"));
  }
};

// Part 3 31.6.
struct NvReadPublic {
  static constexpr CommandCode kCode = CommandCode::kNvReadPublic;
  using Response = NvReadPublicResponse;
  PlainHandle nv_index;
  static constexpr auto Fields() {
    return Declare<NvReadPublic>(F<&NvReadPublic::nv_index>("nvIndex"));
  }
};

// Part 3 31.7.
struct NvWrite {
  static constexpr CommandCode kCode = CommandCode::kNvWrite;
  using Response = NoResponse;
  UserHandle auth_handle;
  PlainHandle nv_index;
  NvBuffer data;
  uint16_t offset = 0;
  static constexpr auto Fields() {
    return Declare<NvWrite>(F<&NvWrite::auth_handle>("authHandle"),
                            F<&NvWrite::nv_index>("nvIndex"), F<&NvWrite::data>("data"),
                            F<&NvWrite::offset>("offset"));
  }
};

struct NvReadResponse {
  NvBuffer data;
  static constexpr auto Fields() {
    return Declare<NvReadResponse>(F<&NvReadResponse::data>("data"));
  }
};

// Part 3 31.13.
struct NvRead {
  static constexpr CommandCode kCode = CommandCode::kNvRead;
  using Response = NvReadResponse;
  UserHandle auth_handle;
  PlainHandle nv_index;
  uint16_t size = 0;
  uint16_t offset = 0;
  static constexpr auto Fields() {
    return Declare<NvRead>(F<&NvRead::auth_handle>("authHandle"), F<&NvRead::nv_index>("nvIndex"),
                           F<&NvRead::size>("size"), F<&NvRead::offset>("offset"));
  }
};

}  // namespace tpm2

#endif  // TPM2_COMMANDS_NV_H_

// How a command is declared (TPM 2.0 Part 3): its code, its response, and its fields, from which
// the handle area, the number of authorisations and the encryptable parameters follow.
//
//   struct Load {
//     static constexpr CommandCode kCode = CommandCode::kLoad;
//     using Response = LoadResponse;
//     UserHandle parent;                 // in the handle area, needs a USER authorisation
//     Private in_private;                // a TPM2B comes first: it can be encrypted
//     Sized<Public> in_public;
//     static constexpr auto Fields() { ... }
//   };
#ifndef TPM2_COMMAND_H_
#define TPM2_COMMAND_H_

#include "tpm2/structures/basic.h"

namespace tpm2 {

// The role that the authorisation of a handle plays, Part 3 4.2.
enum class AuthRole { kNone, kUser, kAdmin };

// A handle of a command. It never goes through Marshal: the executor writes the handle area.
template <AuthRole kRoleOf>
struct CommandHandle {
  static constexpr AuthRole kRole = kRoleOf;
  Entity entity;

  CommandHandle() = default;
  CommandHandle(const Entity& value) : entity(value) {}  // NOLINT(google-explicit-constructor)
};
using PlainHandle = CommandHandle<AuthRole::kNone>;
using UserHandle = CommandHandle<AuthRole::kUser>;
using AdminHandle = CommandHandle<AuthRole::kAdmin>;

// A handle that a response brings, in front of the parameters.
struct NewHandle {
  uint32_t value = 0;
};

template <typename T>
inline constexpr bool kIsCommandHandle = false;
template <AuthRole kRole>
inline constexpr bool kIsCommandHandle<CommandHandle<kRole>> = true;

struct NoResponse {
  static constexpr auto Fields() { return Declare<NoResponse>(); }
};

namespace internal {

template <typename T>
using MemberTypeOf = T;
template <typename Class, typename Member>
Member MemberOf(Member Class::*);
template <typename Descriptor>
using FieldType = decltype(MemberOf(Descriptor::kMember));

// The type of the first field that is not a handle; void when there is none.
template <typename Fields, size_t kIndex = 0>
constexpr bool FirstParameterIsTpm2b() {
  if constexpr (kIndex == std::tuple_size_v<Fields>) {
    return false;
  } else {
    using Type = FieldType<std::tuple_element_t<kIndex, Fields>>;
    if constexpr (kIsCommandHandle<Type> || std::same_as<Type, NewHandle>) {
      return FirstParameterIsTpm2b<Fields, kIndex + 1>();
    } else {
      return Tpm2b<Type>;
    }
  }
}

}  // namespace internal

// True when a session may encrypt the first parameter of this command or response.
template <typename T>
constexpr bool CanEncrypt() {
  return internal::FirstParameterIsTpm2b<decltype(T::Fields())>();
}

}  // namespace tpm2

#endif  // TPM2_COMMAND_H_

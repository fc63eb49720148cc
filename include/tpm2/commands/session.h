// TPM 2.0 Part 3, 11 and 23: sessions and policies.
#ifndef TPM2_COMMANDS_SESSION_H_
#define TPM2_COMMANDS_SESSION_H_

#include "tpm2/command.h"
#include "tpm2/structures/public.h"

namespace tpm2 {

struct StartAuthSessionResponse {
  NewHandle session_handle;
  Nonce nonce_tpm;
  static constexpr auto Fields() {
    return Declare<StartAuthSessionResponse>(
        F<&StartAuthSessionResponse::session_handle>("sessionHandle"),
        F<&StartAuthSessionResponse::nonce_tpm>("nonceTPM"));
  }
};

// Part 3 11.1.
struct StartAuthSession {
  static constexpr CommandCode kCode = CommandCode::kStartAuthSession;
  using Response = StartAuthSessionResponse;
  PlainHandle tpm_key;
  PlainHandle bind;
  Nonce nonce_caller;
  EncryptedSecret encrypted_salt;
  SessionType session_type{};
  SymDef symmetric;
  AlgId auth_hash{};
  static constexpr auto Fields() {
    return Declare<StartAuthSession>(
        F<&StartAuthSession::tpm_key>("tpmKey"), F<&StartAuthSession::bind>("bind"),
        F<&StartAuthSession::nonce_caller>("nonceCaller"),
        F<&StartAuthSession::encrypted_salt>("encryptedSalt"),
        F<&StartAuthSession::session_type>("sessionType"),
        F<&StartAuthSession::symmetric>("symmetric"), F<&StartAuthSession::auth_hash>("authHash"));
  }
};

// Part 3 11.2.
struct PolicyRestart {
  static constexpr CommandCode kCode = CommandCode::kPolicyRestart;
  using Response = NoResponse;
  PlainHandle session;
  static constexpr auto Fields() {
    return Declare<PolicyRestart>(F<&PolicyRestart::session>("sessionHandle"));
  }
};

struct PolicySecretResponse {
  Timeout timeout;
  Ticket policy_ticket;
  static constexpr auto Fields() {
    return Declare<PolicySecretResponse>(F<&PolicySecretResponse::timeout>("timeout"),
                                         F<&PolicySecretResponse::policy_ticket>("policyTicket"));
  }
};

// Part 3 23.4.
struct PolicySecret {
  static constexpr CommandCode kCode = CommandCode::kPolicySecret;
  using Response = PolicySecretResponse;
  UserHandle auth_handle;
  PlainHandle policy_session;
  Nonce nonce_tpm;
  Digest cp_hash_a;
  Nonce policy_ref;
  int32_t expiration = 0;
  static constexpr auto Fields() {
    return Declare<PolicySecret>(
        F<&PolicySecret::auth_handle>("authHandle"),
        F<&PolicySecret::policy_session>("policySession"), F<&PolicySecret::nonce_tpm>("nonceTPM"),
        F<&PolicySecret::cp_hash_a>("cpHashA"), F<&PolicySecret::policy_ref>("policyRef"),
        F<&PolicySecret::expiration>("expiration"));
  }
};

// Part 3 23.6.
struct PolicyOr {
  static constexpr CommandCode kCode = CommandCode::kPolicyOr;
  using Response = NoResponse;
  PlainHandle policy_session;
  DigestList hash_list;
  static constexpr auto Fields() {
    return Declare<PolicyOr>(F<&PolicyOr::policy_session>("policySession"),
                             F<&PolicyOr::hash_list>("pHashList"));
  }
};

// Part 3 23.7.
struct PolicyPcr {
  static constexpr CommandCode kCode = CommandCode::kPolicyPcr;
  using Response = NoResponse;
  PlainHandle policy_session;
  Digest pcr_digest;
  PcrSelectionList pcrs;
  static constexpr auto Fields() {
    return Declare<PolicyPcr>(F<&PolicyPcr::policy_session>("policySession"),
                              F<&PolicyPcr::pcr_digest>("pcrDigest"), F<&PolicyPcr::pcrs>("pcrs"));
  }
};

// Part 3 23.11.
struct PolicyCommandCode {
  static constexpr CommandCode kCode = CommandCode::kPolicyCommandCode;
  using Response = NoResponse;
  PlainHandle policy_session;
  CommandCode code{};
  static constexpr auto Fields() {
    return Declare<PolicyCommandCode>(F<&PolicyCommandCode::policy_session>("policySession"),
                                      F<&PolicyCommandCode::code>("code"));
  }
};

// Part 3 23.17.
struct PolicyAuthValue {
  static constexpr CommandCode kCode = CommandCode::kPolicyAuthValue;
  using Response = NoResponse;
  PlainHandle policy_session;
  static constexpr auto Fields() {
    return Declare<PolicyAuthValue>(F<&PolicyAuthValue::policy_session>("policySession"));
  }
};

struct PolicyGetDigestResponse {
  Digest policy_digest;
  static constexpr auto Fields() {
    return Declare<PolicyGetDigestResponse>(
        F<&PolicyGetDigestResponse::policy_digest>("policyDigest"));
  }
};

// Part 3 23.19.
struct PolicyGetDigest {
  static constexpr CommandCode kCode = CommandCode::kPolicyGetDigest;
  using Response = PolicyGetDigestResponse;
  PlainHandle policy_session;
  static constexpr auto Fields() {
    return Declare<PolicyGetDigest>(F<&PolicyGetDigest::policy_session>("policySession"));
  }
};

}  // namespace tpm2

#endif  // TPM2_COMMANDS_SESSION_H_

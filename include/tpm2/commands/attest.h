// TPM 2.0 Part 3, 18: attestation.
#ifndef TPM2_COMMANDS_ATTEST_H_
#define TPM2_COMMANDS_ATTEST_H_

#include "tpm2/command.h"
#include "tpm2/structures/attest.h"
#include "tpm2/structures/public.h"

namespace tpm2 {

struct CertifyResponse {
  AttestBytes certify_info;
  Signature signature;
  static constexpr auto Fields() {
    return Declare<CertifyResponse>(F<&CertifyResponse::certify_info>("certifyInfo"),
                                    F<&CertifyResponse::signature>("signature"));
  }
};

// Part 3 18.2.
struct Certify {
  static constexpr CommandCode kCode = CommandCode::kCertify;
  using Response = CertifyResponse;
  AdminHandle object_handle;
  UserHandle sign_handle;
  Data qualifying_data;
  Scheme in_scheme;
  static constexpr auto Fields() {
    return Declare<Certify>(
        F<&Certify::object_handle>("objectHandle"), F<&Certify::sign_handle>("signHandle"),
        F<&Certify::qualifying_data>("qualifyingData"), F<&Certify::in_scheme>("inScheme"));
  }
};

struct CertifyCreationResponse {
  AttestBytes certify_info;
  Signature signature;
  static constexpr auto Fields() {
    return Declare<CertifyCreationResponse>(
        F<&CertifyCreationResponse::certify_info>("certifyInfo"),
        F<&CertifyCreationResponse::signature>("signature"));
  }
};

// Part 3 18.3.
struct CertifyCreation {
  static constexpr CommandCode kCode = CommandCode::kCertifyCreation;
  using Response = CertifyCreationResponse;
  UserHandle sign_handle;
  PlainHandle object_handle;
  Data qualifying_data;
  Digest creation_hash;
  Scheme in_scheme;
  Ticket creation_ticket;
  static constexpr auto Fields() {
    return Declare<CertifyCreation>(F<&CertifyCreation::sign_handle>("signHandle"),
                                    F<&CertifyCreation::object_handle>("objectHandle"),
                                    F<&CertifyCreation::qualifying_data>("qualifyingData"),
                                    F<&CertifyCreation::creation_hash>("creationHash"),
                                    F<&CertifyCreation::in_scheme>("inScheme"),
                                    F<&CertifyCreation::creation_ticket>("creationTicket"));
  }
};

struct QuoteResponse {
  AttestBytes quoted;
  Signature signature;
  static constexpr auto Fields() {
    return Declare<QuoteResponse>(F<&QuoteResponse::quoted>("quoted"),
                                  F<&QuoteResponse::signature>("signature"));
  }
};

// Part 3 18.4.
struct Quote {
  static constexpr CommandCode kCode = CommandCode::kQuote;
  using Response = QuoteResponse;
  UserHandle sign_handle;
  Data qualifying_data;
  Scheme in_scheme;
  PcrSelectionList pcr_select;
  static constexpr auto Fields() {
    return Declare<Quote>(F<&Quote::sign_handle>("signHandle"),
                          F<&Quote::qualifying_data>("qualifyingData"),
                          F<&Quote::in_scheme>("inScheme"), F<&Quote::pcr_select>("PCRselect"));
  }
};

}  // namespace tpm2

#endif  // TPM2_COMMANDS_ATTEST_H_

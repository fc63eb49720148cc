// TPM structures as the records that JavaScript gets.
#ifndef TPM2_SRC_VERIFIER_RECORDS_H_
#define TPM2_SRC_VERIFIER_RECORDS_H_

#include <string>

#include "tpm2/operations/verify.h"
#include "tpm2/structures/attest.h"
#include "tpm2/structures/public.h"

namespace tpm2::verifier {

// 0x and 16 digits: more than a JavaScript number can hold.
std::string FirmwareText(uint64_t version);

op::PcrIndices ToRecord(const PcrSelectionList& selection);
op::ClockRecord ToRecord(const ClockInfo& clock);
op::AttestRecord ToRecord(const Attest& attest);
op::CreationRecord ToRecord(const CreationData& data);
op::PublicRecord ToRecord(const Public& area);

// TPM2B_PUBLIC or TPMT_PUBLIC. INVALID_ARGUMENT that names the argument.
Public ReadPublicArea(std::string_view argument, ByteView bytes);

}  // namespace tpm2::verifier

#endif  // TPM2_SRC_VERIFIER_RECORDS_H_

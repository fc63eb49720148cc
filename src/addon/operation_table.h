// Every operation that JavaScript can ask a TPM for. A new one is added here and nowhere else in
// the addon: its name, its arguments and its result follow from its declaration.
#ifndef TPM2_SRC_ADDON_OPERATION_TABLE_H_
#define TPM2_SRC_ADDON_OPERATION_TABLE_H_

#include "addon/operation_list.h"
#include "tpm2/operations/attest.h"
#include "tpm2/operations/event_log.h"
#include "tpm2/operations/keys.h"
#include "tpm2/operations/nv.h"
#include "tpm2/operations/pcp.h"
#include "tpm2/operations/system.h"

namespace tpm2 {

using Operations =
    OperationList<op::Probe, op::Info, op::Capabilities, op::SelfTestOp, op::GetLockoutStatus,
                  op::LockoutReset, op::LockoutConfigure, op::Clock, op::RandomBytes,
                  op::StirRandomOp, op::PcrReadOp, op::PcrExtendOp, op::PcrEventOp, op::PcrResetOp,
                  op::PcrBanks, op::ReadPublicOp, op::NvReadPublicOp, op::NvReadOp, op::NvWriteOp,
                  op::NvDefineOp, op::NvUndefineOp, op::EkCertificate, op::KeyCreate, op::KeySign,
                  op::KeyDecrypt, op::KeyRelease, op::Seal, op::UnsealOp, op::ProvisionAk,
                  op::QuoteOp, op::ActivateCredentialOp, op::Ek, op::EventLogBytes>;

// What looks into blobs without a TPM.
using BlobOperations = OperationList<op::ParseKeyBlob, op::CheckSealBlob, op::ParseProviderBlob>;

}  // namespace tpm2

#endif  // TPM2_SRC_ADDON_OPERATION_TABLE_H_

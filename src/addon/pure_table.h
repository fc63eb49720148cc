// Every operation that JavaScript can ask for without a TPM, as operation_table.h lists the others.
#ifndef TPM2_SRC_ADDON_PURE_TABLE_H_
#define TPM2_SRC_ADDON_PURE_TABLE_H_

#include "addon/operation_list.h"
#include "tpm2/operations/verify.h"

namespace tpm2 {

using PureOperations =
    OperationList<op::ParseAttest, op::ParsePublic, op::MakeCredential, op::ParseCredential,
                  op::VerifyQuote, op::ParseCreation, op::VerifyCreation>;

}  // namespace tpm2

#endif  // TPM2_SRC_ADDON_PURE_TABLE_H_

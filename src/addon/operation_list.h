#ifndef TPM2_SRC_ADDON_OPERATION_LIST_H_
#define TPM2_SRC_ADDON_OPERATION_LIST_H_

namespace tpm2 {

template <typename... Operations>
struct OperationList {};

}  // namespace tpm2

#endif  // TPM2_SRC_ADDON_OPERATION_LIST_H_

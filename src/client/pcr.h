// PCR selections between names and bits, and reading all that was selected.
#ifndef TPM2_SRC_CLIENT_PCR_H_
#define TPM2_SRC_CLIENT_PCR_H_

#include <vector>

#include "tpm2/operations/common.h"
#include "tpm2/structures/basic.h"

namespace tpm2 {

class Client;

// INVALID_ARGUMENT for an unknown bank. Banks keep their order, PCRs are a set.
PcrSelectionList ToSelection(const std::vector<BankSelection>& selection);
size_t CountPcrs(const PcrSelectionList& selection);

// INVALID_ARGUMENT that names the first PCR of `wanted` that is not in `got`.
void RequireAll(const PcrSelectionList& wanted, const PcrSelectionList& got);

// Every selected PCR, in the order of the selection, read to the end. INVALID_ARGUMENT names a
// bank or PCR that the TPM does not have. `update_counter` is the last one seen.
struct PcrReading {
  std::vector<PcrValue> values;
  Buffer concatenated;  // the digests one after the other: what a PCR digest is made of
};
PcrReading ReadPcrs(Client& client, const PcrSelectionList& selection);

}  // namespace tpm2

#endif  // TPM2_SRC_CLIENT_PCR_H_

// TPM2_GetCapability to the end: a TPM answers as much as fits and says that there is more.
#ifndef TPM2_SRC_CLIENT_CAPABILITY_H_
#define TPM2_SRC_CLIENT_CAPABILITY_H_

#include <map>
#include <string>
#include <vector>

#include "tpm2/structures/capability.h"

namespace tpm2 {

class Client;

std::vector<AlgProperty> ReadAlgorithms(Client& client);
std::vector<uint32_t> ReadCommands(Client& client);  // TPMA_CC
std::vector<EccCurve> ReadCurves(Client& client);
// Handles of the type of `first`, from it on.
std::vector<uint32_t> ReadHandles(Client& client, uint32_t first);
// The group of 256 properties that `first` belongs to.
std::vector<TaggedProperty> ReadProperties(Client& client, uint32_t first);
// Banks that have PCRs allocated, by name.
std::map<std::string, std::vector<uint32_t>> ReadBanks(Client& client);

}  // namespace tpm2

#endif  // TPM2_SRC_CLIENT_CAPABILITY_H_

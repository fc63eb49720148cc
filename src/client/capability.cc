#include "client/capability.h"

#include "codec/names.h"
#include "tpm2/client.h"
#include "tpm2/commands/system.h"

namespace tpm2 {
namespace {

constexpr uint32_t kPerCall = 256;

// `after(item)` is the property to go on with behind an item.
template <Capability kCapability, typename Item, typename After>
std::vector<Item> ReadAll(Client& client, uint32_t first, After after) {
  std::vector<Item> all;
  GetCapability command;
  command.capability = kCapability;
  command.property = first;
  command.property_count = kPerCall;
  for (;;) {
    GetCapabilityResponse response = client.Run(command);
    const auto* list = response.data.data.get_if<kCapability>();
    if (list == nullptr) {
      throw Error(ErrorCode::kMarshallingError, "TPM2_GetCapability: not the capability asked for");
    }
    all.insert(all.end(), list->items.begin(), list->items.end());
    if (!response.more_data || list->items.empty()) return all;
    uint32_t next = after(list->items.back());
    // An answer that does not move on would be asked for for ever.
    if (next <= command.property) {
      throw Error(ErrorCode::kMarshallingError, "TPM2_GetCapability: the list does not advance");
    }
    command.property = next;
  }
}

}  // namespace

std::vector<AlgProperty> ReadAlgorithms(Client& client) {
  return ReadAll<Capability::kAlgs, AlgProperty>(
      client, 1, [](const AlgProperty& item) { return static_cast<uint32_t>(item.algorithm) + 1; });
}

std::vector<uint32_t> ReadCommands(Client& client) {
  return ReadAll<Capability::kCommands, uint32_t>(
      client, 0x11f, [](uint32_t attributes) { return (attributes & 0xffff) + 1; });
}

std::vector<EccCurve> ReadCurves(Client& client) {
  return ReadAll<Capability::kEccCurves, EccCurve>(
      client, 1, [](EccCurve curve) { return static_cast<uint32_t>(curve) + 1; });
}

std::vector<uint32_t> ReadHandles(Client& client, uint32_t first) {
  return ReadAll<Capability::kHandles, uint32_t>(client, first,
                                                 [](uint32_t handle) { return handle + 1; });
}

std::vector<TaggedProperty> ReadProperties(Client& client, uint32_t first) {
  auto all = ReadAll<Capability::kTpmProperties, TaggedProperty>(
      client, first, [](const TaggedProperty& item) { return item.property + 1; });
  std::erase_if(
      all, [first](const TaggedProperty& item) { return item.property / 0x100 != first / 0x100; });
  return all;
}

std::map<std::string, std::vector<uint32_t>> ReadBanks(Client& client) {
  GetCapability command;
  command.capability = Capability::kPcrs;
  command.property_count = 16;
  GetCapabilityResponse response = client.Run(command);
  std::map<std::string, std::vector<uint32_t>> banks;
  const auto* list = response.data.data.get_if<Capability::kPcrs>();
  if (list == nullptr) return banks;
  for (const PcrSelection& selection : list->items) {
    std::vector<uint32_t> pcrs;
    for (uint32_t pcr = 0; pcr < 8 * selection.select.octets().size(); ++pcr) {
      if (selection.Contains(pcr)) pcrs.push_back(pcr);
    }
    std::string_view name = AlgorithmName(selection.hash);
    if (!pcrs.empty() && !name.empty()) banks[std::string(name)] = std::move(pcrs);
  }
  return banks;
}

}  // namespace tpm2

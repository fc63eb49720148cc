#include "client/pcr.h"

#include <algorithm>
#include <map>
#include <string>
#include <utility>

#include "client/capability.h"
#include "codec/hexadecimal.h"
#include "codec/names.h"
#include "tpm2/client.h"
#include "tpm2/commands/system.h"
#include "tpm2/operations/system.h"

namespace tpm2 {
namespace {

constexpr uint32_t kPcrLimit = 32;

[[noreturn]] void ThrowNoPcr(AlgId bank, uint32_t pcr) {
  throw Error(
      ErrorCode::kInvalidArgument,
      "the TPM has no PCR " + std::to_string(pcr) + " in bank " + std::string(AlgorithmName(bank)),
      "tpm.pcr.banks() lists the banks and PCRs that this TPM has.");
}

Entity PcrEntity(uint32_t index) { return Entity::Of(index); }

}  // namespace

PcrSelectionList ToSelection(const std::vector<BankSelection>& selection) {
  PcrSelectionList list;
  for (const BankSelection& bank : selection) {
    PcrSelection item;
    item.hash = HashFromName(bank.bank);
    if (item.hash == AlgId::kError) {
      throw Error(ErrorCode::kInvalidArgument, "selection: unknown bank");
    }
    for (uint32_t pcr : bank.pcrs) {
      if (pcr >= kPcrLimit) throw Error(ErrorCode::kInvalidArgument, "selection: PCR out of range");
      item.Add(pcr);
    }
    list.items.push_back(std::move(item));
  }
  return list;
}

size_t CountPcrs(const PcrSelectionList& selection) {
  size_t count = 0;
  for (const PcrSelection& bank : selection.items) {
    for (uint32_t pcr = 0; pcr < kPcrLimit; ++pcr) count += bank.Contains(pcr) ? 1 : 0;
  }
  return count;
}

void RequireAll(const PcrSelectionList& wanted, const PcrSelectionList& got) {
  for (const PcrSelection& bank : wanted.items) {
    for (uint32_t pcr = 0; pcr < kPcrLimit; ++pcr) {
      if (!bank.Contains(pcr)) continue;
      bool there = false;
      for (const PcrSelection& other : got.items) {
        there = there || (other.hash == bank.hash && other.Contains(pcr));
      }
      if (!there) ThrowNoPcr(bank.hash, pcr);
    }
  }
}

PcrReading ReadPcrs(Client& client, const PcrSelectionList& selection) {
  std::map<std::pair<AlgId, uint32_t>, Digest> values;
  PcrSelectionList left = selection;
  while (CountPcrs(left) != 0) {
    PcrRead command;
    command.selection = left;
    PcrReadResponse response = client.Run(command);
    // The values stand in the order of the selection that came back with them.
    size_t next = 0;
    bool gained = false;
    for (const PcrSelection& bank : response.selection.items) {
      for (uint32_t pcr = 0; pcr < kPcrLimit; ++pcr) {
        if (!bank.Contains(pcr)) continue;
        if (next == response.values.items.size() ||
            response.values.items[next].size() != DigestSizeOf(bank.hash)) {
          throw Error(ErrorCode::kMarshallingError,
                      "TPM2_PCR_Read: values do not fit the selection");
        }
        gained = values.insert_or_assign({bank.hash, pcr}, response.values.items[next++]).second ||
                 gained;
      }
    }
    PcrSelectionList missing;
    for (const PcrSelection& bank : left.items) {
      PcrSelection rest{bank.hash, {}};
      for (uint32_t pcr = 0; pcr < kPcrLimit; ++pcr) {
        if (bank.Contains(pcr) && !values.contains({bank.hash, pcr})) {
          // An answer that brings nothing new would be asked for for ever.
          if (!gained) ThrowNoPcr(bank.hash, pcr);
          rest.Add(pcr);
        }
      }
      if (!rest.select.octets().empty()) missing.items.push_back(std::move(rest));
    }
    left = std::move(missing);
  }

  PcrReading reading;
  for (const PcrSelection& bank : selection.items) {
    for (uint32_t pcr = 0; pcr < kPcrLimit; ++pcr) {
      if (!bank.Contains(pcr)) continue;
      ByteView digest = values.at({bank.hash, pcr});
      reading.values.push_back({std::string(AlgorithmName(bank.hash)), pcr, HexOctets(digest)});
      reading.concatenated.insert(reading.concatenated.end(), digest.begin(), digest.end());
    }
  }
  return reading;
}

std::vector<PcrValue> Run(Client& client, const CallOptions&, const op::PcrReadOp& request) {
  return ReadPcrs(client, ToSelection(request.selection)).values;
}

Nothing Run(Client& client, const CallOptions&, const op::PcrExtendOp& request) {
  // A TPM silently ignores the digest of a bank that it does not have (Part 3 22.2).
  auto banks = ReadBanks(client);
  auto bank = banks.find(request.bank);
  if (bank == banks.end() || std::ranges::count(bank->second, request.index) == 0) {
    ThrowNoPcr(HashFromName(request.bank), request.index);
  }
  PcrExtend command;
  command.pcr = PcrEntity(request.index);
  command.digests.items.push_back({HashFromName(request.bank), request.digest});
  client.Run(command);
  return {};
}

std::map<std::string, Buffer> Run(Client& client, const CallOptions&,
                                  const op::PcrEventOp& request) {
  PcrEvent command;
  command.pcr = PcrEntity(request.index);
  command.event_data = request.data;
  std::map<std::string, Buffer> extended;
  for (const HashValue& value : client.Run(command).digests.items) {
    extended[std::string(AlgorithmName(value.hash))] = value.digest;
  }
  return extended;
}

Nothing Run(Client& client, const CallOptions&, const op::PcrResetOp& request) {
  PcrReset command;
  command.pcr = PcrEntity(request.index);
  client.Run(command);
  return {};
}

op::BankMap Run(Client& client, const CallOptions&, const op::PcrBanks&) {
  return ReadBanks(client);
}

}  // namespace tpm2

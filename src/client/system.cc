// Identity, capabilities, self test, clock, random numbers, public areas.
#include "tpm2/commands/system.h"

#include <algorithm>
#include <array>
#include <cstdio>
#include <string>

#include "client/capability.h"
#include "codec/hexadecimal.h"
#include "codec/names.h"
#include "crypto/key_convert.h"
#include "tpm2/client.h"
#include "tpm2/commands/object.h"
#include "tpm2/operations/system.h"

namespace tpm2 {
namespace {

std::string FourCharacters(uint32_t word) {
  std::string text;
  for (int shift = 24; shift >= 0; shift -= 8) {
    char c = static_cast<char>(word >> shift);
    if (c != 0) text += c;
  }
  return text;
}

std::string TrimRight(std::string text) {
  while (!text.empty() && (text.back() == ' ' || text.back() == '\0')) text.pop_back();
  return text;
}

// A guess from the names that software TPMs give themselves; no security decision rests on it.
bool LooksVirtual(const std::string& manufacturer, const std::string& vendor) {
  static constexpr std::array<std::string_view, 4> kManufacturers = {"IBM", "MSFT", "GOOG", "AMZN"};
  static constexpr std::array<std::string_view, 5> kVendors = {"SW", "vTPM", "xCG", "VMW",
                                                               "virtual"};
  std::string maker = TrimRight(manufacturer);
  for (std::string_view name : kManufacturers) {
    if (maker == name) return true;
  }
  for (std::string_view name : kVendors) {
    if (vendor.find(name) != std::string::npos) return true;
  }
  return false;
}

std::vector<uint32_t> RsaSizes(Client& client) {
  std::vector<uint32_t> sizes;
  for (uint16_t bits : {1024, 2048, 3072, 4096}) {
    TestParms command;
    command.type = AlgId::kRsa;
    command.parameters.emplace<AlgId::kRsa>().key_bits = bits;
    try {
      client.Run(command);
      sizes.push_back(bits);
    } catch (const Error& error) {
      if (!error.tpm_rc) throw;
    }
  }
  return sizes;
}

}  // namespace

Nothing Run(Client& client, const CallOptions&, const op::Probe&) {
  constexpr uint32_t kFamily20 = 0x322e3000;  // "2.0", Part 2 6.13
  // What is remembered does not tell whether the TPM still answers.
  client.ForgetFixedProperties();
  if (client.FixedProperty(pt::kFamilyIndicator) == kFamily20) return {};
  throw Error(ErrorCode::kTpmUnavailable, "what answers there is not a TPM 2.0",
              "Only TPM 2.0 is supported; a TPM 1.2 can often be switched in the firmware set-up.");
}

op::InfoResult Run(Client& client, const CallOptions& options, const op::Info&) {
  op::InfoResult info;
  std::string vendor;
  for (uint32_t property = pt::kVendorString1; property <= pt::kVendorString4; ++property) {
    vendor += FourCharacters(client.FixedProperty(property));
  }
  uint32_t maker = client.FixedProperty(pt::kManufacturer);
  for (int shift = 24; shift >= 0; shift -= 8) {
    char c = static_cast<char>(maker >> shift);
    info.manufacturer += c == '\0' ? ' ' : c;
  }
  uint32_t high = client.FixedProperty(pt::kFirmwareVersion1);
  uint32_t low = client.FixedProperty(pt::kFirmwareVersion2);
  info.firmware_version = std::to_string(high >> 16) + "." + std::to_string(high & 0xffff) + "." +
                          std::to_string(low >> 16) + "." + std::to_string(low & 0xffff);
  info.vendor_string = TrimRight(vendor);
  info.is_virtual = LooksVirtual(info.manufacturer, info.vendor_string);
  info.spec = TrimRight(FourCharacters(client.FixedProperty(pt::kFamilyIndicator)));
  uint32_t revision = client.FixedProperty(pt::kRevision);
  char text[16];
  std::snprintf(text, sizeof text, "%u.%02u", revision / 100, revision % 100);
  info.spec_revision = text;
  info.spec_year = client.FixedProperty(pt::kYear);
  info.tcti = client.traits().description;
  if (!client.traits().warning.empty()) info.warning = client.traits().warning;
  info.max_digest = client.FixedProperty(pt::kMaxDigest);

  info.lockout = Run(client, options, op::GetLockoutStatus());
  for (const auto& [bank, pcrs] : ReadBanks(client)) info.pcr_banks.push_back(bank);
  for (const AlgProperty& item : ReadAlgorithms(client)) {
    info.algorithms.push_back(AlgorithmText(item.algorithm));
  }
  for (EccCurve curve : ReadCurves(client)) info.curves.push_back(CurveText(curve));
  info.rsa_sizes = RsaSizes(client);
  return info;
}

op::CapabilitiesResult Run(Client& client, const CallOptions&, const op::Capabilities&) {
  static constexpr std::pair<uint32_t, const char*> kAttributes[] = {
      {0, "asymmetric"}, {1, "symmetric"},  {2, "hash"},   {3, "object"},
      {8, "signing"},    {9, "encrypting"}, {10, "method"}};
  op::CapabilitiesResult result;
  for (const AlgProperty& item : ReadAlgorithms(client)) {
    op::AlgorithmInfo algorithm{
        AlgorithmText(item.algorithm), static_cast<uint32_t>(item.algorithm), {}};
    for (const auto& [bit, name] : kAttributes) {
      if ((item.properties >> bit & 1) != 0) algorithm.attributes.emplace_back(name);
    }
    result.algorithms.push_back(std::move(algorithm));
  }
  for (uint32_t attributes : ReadCommands(client)) {
    const uint32_t code = attributes & 0x2000ffff;  // TPMA_CC, Part 2 8.9: code and vendor bit
    std::string_view name = CommandName(static_cast<CommandCode>(code));
    result.commands.push_back(name.empty() ? HexNumber(code, 8) : std::string(name));
  }
  for (EccCurve curve : ReadCurves(client)) result.ecc_curves.push_back(CurveText(curve));
  result.pcr_banks = ReadBanks(client);
  result.handles.transient = ReadHandles(client, 0x80000000);
  result.handles.persistent = ReadHandles(client, 0x81000000);
  result.handles.nv = ReadHandles(client, 0x01000000);
  result.handles.sessions = ReadHandles(client, 0x02000000);
  for (uint32_t first : {pt::kFixed, pt::kVariable}) {
    for (const TaggedProperty& item : ReadProperties(client, first)) {
      std::string_view name = PropertyName(item.property);
      result.properties[name.empty() ? HexNumber(item.property) : std::string(name)] = item.value;
    }
  }
  return result;
}

Nothing Run(Client& client, const CallOptions&, const op::SelfTestOp& request) {
  SelfTest command;
  command.full_test = request.full;
  client.Run(command);
  return {};
}

op::ClockResult Run(Client& client, const CallOptions&, const op::Clock&) {
  TimeInfo now = client.Run(ReadClock{}).current_time;
  return {now.time, now.clock_info.clock, now.clock_info.reset_count, now.clock_info.restart_count,
          now.clock_info.safe};
}

SecretBytes Run(Client& client, const CallOptions&, const op::RandomBytes& request) {
  // A TPM gives at most a digest's worth a call, and may give less (Part 3 16.1).
  constexpr uint32_t kPerCall = 64;
  SecretBytes result;
  result.reserve(request.count);
  while (result.size() < request.count) {
    GetRandom command;
    uint32_t missing = request.count - static_cast<uint32_t>(result.size());
    command.bytes_requested = static_cast<uint16_t>(std::min(kPerCall, missing));
    GetRandomResponse response = client.Run(command);
    ByteView got = response.random_bytes;
    if (got.empty() || got.size() > missing) {
      throw Error(ErrorCode::kMarshallingError,
                  "TPM2_GetRandom: not the number of bytes asked for");
    }
    result.insert(result.end(), got.begin(), got.end());
  }
  return result;
}

Nothing Run(Client& client, const CallOptions&, const op::StirRandomOp& request) {
  constexpr size_t kPerCall = 128;  // TPM2B_SENSITIVE_DATA of StirRandom, Part 3 16.2
  ByteView left(request.data);
  while (!left.empty()) {
    ByteView part = left.first(std::min(left.size(), kPerCall));
    StirRandom command;
    command.in_data = part;
    client.Run(command);
    left = left.subspan(part.size());
  }
  return {};
}

op::PublicResult Run(Client& client, const CallOptions&, const op::ReadPublicOp& request) {
  ReadPublic command;
  command.object_handle = Entity{request.handle, Name()};
  // A persistent key takes a slot while its command runs, also one that turns out not to be there.
  ReadPublicResponse response = client.Retrying([&] { return client.Run(command); });
  const Public& area = *response.out_public;
  op::PublicResult result;
  result.handle = request.handle;
  result.type = AlgorithmText(area.type);
  result.name_alg = AlgorithmText(area.name_alg);
  result.attributes = static_cast<uint32_t>(area.attributes);
  result.name = response.name.octets();
  result.qualified_name = response.qualified_name.octets();
  result.public_area = ToBytes(response.out_public, "TPM2B_PUBLIC");
  if (area.rsa() != nullptr || area.ecc() != nullptr) {
    result.public_key_der = crypto::EncodeSpki(crypto::PublicKeyOf(area));
  }
  return result;
}

}  // namespace tpm2

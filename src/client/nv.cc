// NV indices: who may read and write them is written in their attributes.
#include "client/nv.h"

#include <algorithm>
#include <string>
#include <utility>

#include "codec/hexadecimal.h"
#include "codec/names.h"
#include "crypto/der.h"
#include "crypto/key_convert.h"
#include "pcp/provider.h"
#include "tpm2/client.h"
#include "tpm2/commands/nv.h"
#include "tpm2/operations/nv.h"

namespace tpm2 {
namespace {

using N = NvAttributes;

constexpr uint32_t kFirstOwnerIndex = 0x01800000;
constexpr uint32_t kLastOwnerIndex = 0x01bfffff;
// TCG registry of reserved handles: EK certificates, nonces and templates.
constexpr uint32_t kFirstEkIndex = 0x01c00000;
constexpr uint32_t kLastEkIndex = 0x01c07fff;
constexpr uint32_t kEkCertificateRsa = 0x01c00002;
constexpr uint32_t kEkCertificateEcc = 0x01c0000a;

std::string TypeName(NvType type) {
  switch (type) {
    case NvType::kOrdinary:
      return "ordinary";
    case NvType::kCounter:
      return "counter";
    case NvType::kBits:
      return "bits";
    case NvType::kExtend:
      return "extend";
    case NvType::kPinFail:
      return "pinfail";
    case NvType::kPinPass:
      return "pinpass";
  }
  return "unknown";
}

// An index together with what is needed to authorise an access to it.
struct Index {
  NvPublic area;
  Entity entity;
};

Index ReadIndex(Client& client, uint32_t handle) {
  NvReadPublic command;
  command.nv_index = Entity{handle, Name()};
  NvReadPublicResponse response = client.Run(command);
  Index index{*response.nv_public, {handle, crypto::NameOf(*response.nv_public)}};
  if (index.area.nv_index != handle || !(index.entity.name == Name(response.nv_name.view()))) {
    throw Error(ErrorCode::kIntegrity, "TPM2_NV_ReadPublic: the answer is about another index");
  }
  return index;
}

struct Access {
  Entity entity;  // whose authorisation is given
  ByteView auth;
};

struct Rights {
  N by_auth, by_owner, by_platform, by_policy;
  const char* verb;
};
constexpr Rights kReading = {N::kAuthRead, N::kOwnerRead, N::kPpRead, N::kPolicyRead, "read"};
constexpr Rights kWriting = {N::kAuthWrite, N::kOwnerWrite, N::kPpWrite, N::kPolicyWrite,
                             "written"};

// The owner auth that came with a call counts for all that the call needs: the storage parent that
// its session is salted to may have to be made first.
CallOptions WithOwner(const CallOptions& options, const std::optional<SecretBytes>& owner_auth) {
  CallOptions own = options;
  if (owner_auth) own.owner_auth = *owner_auth;
  return own;
}

bool IsPublicData(uint32_t handle) { return handle >= kFirstEkIndex && handle <= kLastEkIndex; }

// The index's own password when one was given and counts; else the owner; else the empty password;
// else the platform. What a manufacturer keeps for everybody has the empty password, and goes
// before an owner whom the caller may not be.
Access ChooseAccess(const Index& index, const Rights& rights,
                    const std::optional<SecretBytes>& auth, const CallOptions& options) {
  N attributes = index.area.attributes;
  bool by_auth = Has(attributes, rights.by_auth);
  if (by_auth && auth) return {index.entity, *auth};
  if (by_auth && IsPublicData(index.entity.handle)) return {index.entity, ByteView()};
  if (Has(attributes, rights.by_owner)) return {Entity::Of(rh::kOwner), options.owner_auth};
  if (by_auth) return {index.entity, ByteView()};
  if (Has(attributes, rights.by_platform)) return {Entity::Of(rh::kPlatform), ByteView()};
  throw Error(ErrorCode::kAuthFailed,
              "NV index " + HexNumber(index.entity.handle, 8) + " cannot be " + rights.verb +
                  (Has(attributes, rights.by_policy) ? " without a policy" : ""),
              "Its attributes allow neither the index password nor the owner nor the platform.");
}

uint32_t BufferLimit(Client& client) {
  uint32_t limit = client.FixedProperty(pt::kNvBufferMax);
  constexpr uint32_t kSmallestAllowed = 512;
  constexpr uint32_t kLargestUseful = 2048;  // leaves room for sessions in one command
  return limit == 0 ? kSmallestAllowed : std::min(limit, kLargestUseful);
}

void CheckRange(const Index& index, uint64_t offset, uint64_t size) {
  if (offset + size <= index.area.data_size) return;
  throw Error(ErrorCode::kInvalidArgument,
              "offset and size: NV index " + HexNumber(index.entity.handle, 8) + " has " +
                  std::to_string(index.area.data_size) + " bytes, asked for " +
                  std::to_string(size) + " at " + std::to_string(offset));
}

SecretBytes ReadRange(Client& client, const CallOptions& options, const Index& index,
                      const Access& access, uint32_t offset, uint32_t size) {
  uint32_t limit = BufferLimit(client);
  bool secret = !IsPublicData(index.entity.handle);
  SecretBytes data;
  data.reserve(size);
  while (data.size() < size) {
    Authorization authorization = client.Authorize(access.auth, options, secret);
    NvRead command;
    command.auth_handle = access.entity;
    command.nv_index = index.entity;
    uint32_t missing = size - static_cast<uint32_t>(data.size());
    command.size = static_cast<uint16_t>(std::min(limit, missing));
    command.offset = static_cast<uint16_t>(offset + data.size());
    NvReadResponse response = client.Run(command, {&authorization, 1});
    if (response.data.size() != command.size) {
      throw Error(ErrorCode::kMarshallingError, "TPM2_NV_Read: not the number of bytes asked for");
    }
    ByteView got = response.data;
    data.insert(data.end(), got.begin(), got.end());
  }
  return data;
}

void RefuseEkIndex(uint32_t handle) {
  if (handle >= kFirstOwnerIndex && handle <= kLastOwnerIndex) return;
  throw Error(ErrorCode::kInvalidArgument,
              "handle: " + HexNumber(handle, 8) + " is not an owner index",
              "Owner indices are 0x01800000 to 0x01bfffff; EK certificates and the manufacturer's "
              "indices are not touched.");
}

void CheckSize(Client& client, uint32_t size) {
  uint32_t limit = client.FixedProperty(pt::kNvIndexMax);
  if (limit == 0 || size <= limit) return;
  throw Error(ErrorCode::kInvalidArgument, "size: at most " + std::to_string(limit) +
                                               " on this TPM, given " + std::to_string(size));
}

}  // namespace

std::optional<SecretBytes> ReadPublicIndex(Client& client, const CallOptions& options,
                                           uint32_t handle) {
  std::optional<Index> index;
  try {
    index = ReadIndex(client, handle);
  } catch (const Error& error) {
    // Of the codes that say so only this one is about the index; the others are about what was
    // lost.
    if (error.tpm_rc && DecodeResponseCode(*error.tpm_rc).base == rc::kHandle) return std::nullopt;
    throw;
  }
  if (!Has(index->area.attributes, N::kWritten)) return std::nullopt;
  Access access = ChooseAccess(*index, kReading, std::nullopt, options);
  return ReadRange(client, options, *index, access, 0, index->area.data_size);
}

op::NvPublicResult Run(Client& client, const CallOptions&, const op::NvReadPublicOp& request) {
  Index index = ReadIndex(client, request.handle);
  const NvPublic& area = index.area;
  return {request.handle,
          area.data_size,
          static_cast<uint32_t>(area.attributes),
          TypeName(area.type()),
          std::string(AlgorithmName(area.name_alg)),
          ToBuffer(index.entity.name.view()),
          area.auth_policy.octets()};
}

SecretBytes Run(Client& client, const CallOptions& given, const op::NvReadOp& request) {
  const CallOptions options = WithOwner(given, request.owner_auth);
  Index index = ReadIndex(client, request.handle);
  uint32_t available =
      request.offset > index.area.data_size ? 0 : index.area.data_size - request.offset;
  uint32_t size = request.size.value_or(available);
  CheckRange(index, request.offset, size);
  Access access = ChooseAccess(index, kReading, request.auth, options);
  return client.Retrying(
      [&] { return ReadRange(client, options, index, access, request.offset, size); });
}

Nothing Run(Client& client, const CallOptions& given, const op::NvWriteOp& request) {
  const CallOptions options = WithOwner(given, request.owner_auth);
  Index index = ReadIndex(client, request.handle);
  CheckRange(index, request.offset, request.data.size());
  uint32_t limit = BufferLimit(client);
  return client.Retrying([&] {
    ByteView left(request.data);
    uint32_t offset = request.offset;
    do {
      Access access = ChooseAccess(index, kWriting, request.auth, options);
      Authorization authorization =
          client.Authorize(access.auth, options, !IsPublicData(request.handle));
      ByteView part = left.first(std::min<size_t>(left.size(), limit));
      NvWrite command;
      command.auth_handle = access.entity;
      command.nv_index = index.entity;
      command.data = part;
      command.offset = static_cast<uint16_t>(offset);
      client.Run(command, {&authorization, 1});
      left = left.subspan(part.size());
      offset += static_cast<uint32_t>(part.size());
      // The first write sets TPMA_NV_WRITTEN, which is part of the Name.
      index.area.attributes |= N::kWritten;
      index.entity.name = crypto::NameOf(index.area);
    } while (!left.empty());
    return Nothing();
  });
}

Nothing Run(Client& client, const CallOptions& given, const op::NvDefineOp& request) {
  RefuseEkIndex(request.handle);
  CheckSize(client, request.size);
  const CallOptions options = WithOwner(given, request.owner_auth);
  NvDefineSpace command;
  command.auth_handle = Entity::Of(rh::kOwner);
  command.auth = ByteView(request.auth);
  NvPublic& area = *command.public_info;
  area.nv_index = request.handle;
  area.name_alg = AlgId::kSha256;
  area.data_size = static_cast<uint16_t>(request.size);
  area.attributes = N::kOwnerRead | N::kOwnerWrite | N::kNoDa;
  // With a password the password alone opens it: the owner's is often empty.
  if (!TrimAuth(request.auth).empty()) area.attributes = N::kAuthRead | N::kAuthWrite | N::kNoDa;
  if (request.attributes) area.attributes = static_cast<N>(*request.attributes);
  return client.Retrying([&] {
    Authorization authorization =
        client.Authorize(options.owner_auth, options, !request.auth.empty());
    client.Run(command, {&authorization, 1});
    return Nothing();
  });
}

Nothing Run(Client& client, const CallOptions& given, const op::NvUndefineOp& request) {
  RefuseEkIndex(request.handle);
  const CallOptions options = WithOwner(given, request.owner_auth);
  Index index = ReadIndex(client, request.handle);
  NvUndefineSpace command;
  command.auth_handle = Entity::Of(rh::kOwner);
  command.nv_index = index.entity;
  return client.Retrying([&] {
    Authorization authorization = client.Authorize(options.owner_auth, options, false);
    client.Run(command, {&authorization, 1});
    return Nothing();
  });
}

std::optional<Buffer> Run(Client& client, const CallOptions& options, const op::EkCertificate&) {
  // RSA first, wherever it is: Windows activates credentials for that key only.
  for (uint32_t handle : {kEkCertificateRsa, kEkCertificateEcc}) {
    if (pcp::Serves(client.traits())) {
      std::vector<Buffer> stored = pcp::EndorsementCertificates(handle == kEkCertificateRsa);
      if (!stored.empty()) return std::move(stored.front());
    }
    std::optional<SecretBytes> data = ReadPublicIndex(client, options, handle);
    if (!data) continue;
    // Indices are often larger than the certificate; DER says how long it is.
    size_t length = crypto::DerLength(*data);
    if (length != 0)
      return Buffer(data->begin(), data->begin() + static_cast<std::ptrdiff_t>(length));
  }
  return std::nullopt;
}

}  // namespace tpm2

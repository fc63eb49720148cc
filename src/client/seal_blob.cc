#include "client/seal_blob.h"

#include <algorithm>
#include <utility>

#include "tpm2/operations/keys.h"

namespace tpm2 {
namespace {

// Version 1's two halves: both u32 lengths first, then the octets of both.
struct LongPair {
  Buffer public_area;
  Buffer private_area;
  void Marshal(Writer& writer) const {
    writer.Integer(static_cast<uint32_t>(public_area.size()));
    writer.Integer(static_cast<uint32_t>(private_area.size()));
    writer.Raw(public_area);
    writer.Raw(private_area);
  }
  void Unmarshal(Reader& reader) {
    uint32_t public_size = reader.Integer<uint32_t>();
    uint32_t private_size = reader.Integer<uint32_t>();
    if (static_cast<uint64_t>(public_size) + private_size > reader.remaining()) {
      return reader.Fail(CodecFault::kTruncated);
    }
    public_area = ToBuffer(reader.Raw(public_size));
    private_area = ToBuffer(reader.Raw(private_size));
  }
};

struct Header {
  uint32_t magic = 0x5345414c;  // "SEAL"
  uint8_t version = 0;
  static constexpr auto Fields() {
    return Declare<Header>(F<&Header::magic>("magic"), F<&Header::version>("version"));
  }
};
struct BodyV1 {
  List<uint32_t, 32> pcrs;
  LongPair object;
  static constexpr auto Fields() {
    return Declare<BodyV1>(F<&BodyV1::pcrs>("pcrs"), F<&BodyV1::object>("object"));
  }
};
struct BodyV2 {
  uint8_t flags = 0;
  PcrSelectionList selection;
  Sized<Public> public_area;
  Private private_area;
  static constexpr auto Fields() {
    return Declare<BodyV2>(F<&BodyV2::flags>("flags"), F<&BodyV2::selection>("selection"),
                           F<&BodyV2::public_area>("public"), F<&BodyV2::private_area>("private"));
  }
};
constexpr uint8_t kFlagAuthValue = 1;

bool FitsVersion1(const SealBlob& blob) {
  return !blob.policy_auth_value &&
         (blob.selection.items.empty() ||
          (blob.selection.items.size() == 1 && blob.selection.items[0].hash == AlgId::kSha256));
}

template <typename Body>
Buffer Encode(uint8_t version, const Body& body) {
  Header header;
  header.version = version;
  Buffer bytes = ToBytes(header, "seal blob");
  Buffer rest = ToBytes(body, "seal blob");
  bytes.insert(bytes.end(), rest.begin(), rest.end());
  return bytes;
}

void RequireSealedObject(const SealBlob& blob) {
  Sized<Public> area = FromBytes<Sized<Public>>(blob.object.public_area, "TPM2B_PUBLIC");
  FromBytes<Private>(blob.object.private_area, "TPM2B_PRIVATE");
  if (area->type != AlgId::kKeyedHash) {
    throw Error(ErrorCode::kInvalidArgument, "blob: the object in it is not sealed data");
  }
}

SealBlob Decode(ByteView bytes) {
  Reader reader(bytes);
  Header header;
  Unmarshal(reader, header);
  if (!reader.ok() || header.magic != Header().magic) {
    throw Error(ErrorCode::kInvalidArgument, "blob: not a seal blob");
  }
  SealBlob blob;
  ByteView rest = bytes.subspan(reader.position());
  if (header.version == 1) {
    BodyV1 body = FromBytes<BodyV1>(rest, "blob");
    if (!body.pcrs.items.empty()) {
      PcrSelection bank{AlgId::kSha256, {}};
      for (uint32_t pcr : body.pcrs.items) {
        if (pcr >= 32) throw Error(ErrorCode::kInvalidArgument, "blob: PCR out of range");
        bank.Add(pcr);
      }
      blob.selection.items.push_back(std::move(bank));
    }
    blob.object = {std::move(body.object.public_area), std::move(body.object.private_area)};
  } else if (header.version == 2) {
    BodyV2 body = FromBytes<BodyV2>(rest, "blob");
    if ((body.flags & ~kFlagAuthValue) != 0) {
      throw Error(ErrorCode::kInvalidArgument, "blob: made by a later version of node-tpm2");
    }
    blob.policy_auth_value = (body.flags & kFlagAuthValue) != 0;
    blob.selection = std::move(body.selection);
    blob.object = {ToBytes(body.public_area, "TPM2B_PUBLIC"),
                   ToBytes(body.private_area, "TPM2B_PRIVATE")};
  } else {
    throw Error(ErrorCode::kInvalidArgument,
                "blob: seal blob version " + std::to_string(header.version) + " is not known");
  }
  RequireSealedObject(blob);
  return blob;
}

}  // namespace

Buffer EncodeSealBlob(const SealBlob& blob) {
  if (FitsVersion1(blob)) {
    BodyV1 body;
    for (const PcrSelection& bank : blob.selection.items) {
      for (uint32_t pcr = 0; pcr < 32; ++pcr) {
        if (bank.Contains(pcr)) body.pcrs.items.push_back(pcr);
      }
    }
    body.object = {blob.object.public_area, blob.object.private_area};
    return Encode(1, body);
  }
  BodyV2 body;
  body.flags = blob.policy_auth_value ? kFlagAuthValue : 0;
  body.selection = blob.selection;
  body.public_area = FromBytes<Sized<Public>>(blob.object.public_area);
  body.private_area = FromBytes<Private>(blob.object.private_area);
  return Encode(2, body);
}

SealBlob DecodeSealBlob(ByteView bytes) {
  try {
    return Decode(bytes);
  } catch (Error& error) {
    // What does not parse is the caller's mistake, not the TPM's.
    error.code = ErrorCode::kInvalidArgument;
    throw;
  }
}

Nothing Run(const op::CheckSealBlob& request) {
  DecodeSealBlob(request.blob);
  return {};
}

}  // namespace tpm2

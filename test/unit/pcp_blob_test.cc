// The blob of a Platform Crypto Provider key, built by hand as its layout says.
#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>

#include "pcp/blob.h"
#include "pcp/provider.h"
#include "pcp/security_descriptor.h"
#include "tpm2/operations/pcp.h"
#include "verifier_support.h"

namespace tpm2 {
namespace {

using pcp::KeyBlob;

Buffer Field(const Buffer& bytes) {
  Buffer out;
  for (int shift = 0; shift < 32; shift += 8) {
    out.push_back(static_cast<uint8_t>(bytes.size() >> shift));
  }
  return Join({out, bytes});
}

Buffer ByHand(const std::string& magic, const KeyBlob& blob) {
  return Join({Text(magic), Field(Text(blob.key_name)), Field(blob.public_area),
               Field(blob.creation_data), Field(blob.attest), Field(blob.signature)});
}

// A key's creation, signed by the key itself as Windows lets it be.
KeyBlob MadeBy(const SoftwareAk& ak, const std::string& name = "device key") {
  KeyBlob blob;
  blob.key_name = name;
  blob.public_area = ToBytes(ak.area);
  CreationData creation;
  creation.parent_name_alg = AlgId::kSha256;
  creation.parent_name = Buffer(34, 0x0b);
  creation.parent_qualified_name = Buffer(34, 0x0c);
  blob.creation_data = ToBytes(creation);
  Attest attest;
  attest.magic = kTpmGenerated;
  attest.type = StructureTag::kAttestCreation;
  attest.qualified_signer = Buffer(34, 0xab);
  CreationInfo& info = attest.attested.emplace<StructureTag::kAttestCreation>();
  info.object_name = crypto::NameOf(ak.area).view();
  info.creation_hash = crypto::Digest(AlgId::kSha256, {blob.creation_data});
  blob.attest = ToBytes(attest);
  blob.signature = ak.SignTpmt(blob.attest);
  return blob;
}

const KeyBlob& Good() {
  static const KeyBlob* blob = new KeyBlob(MadeBy(SoftwareAk()));
  return *blob;
}

TEST(PcpBlob, IsReadAndWrittenAsItsLayoutSays) {
  KeyBlob blob = Good();
  EXPECT_EQ(pcp::Encode(blob), ByHand("PCP1", blob));
  blob.machine = true;
  EXPECT_EQ(pcp::Encode(blob), ByHand("PCP2", blob));
  for (const char* magic : {"PCP1", "PCP2"}) {
    const KeyBlob read = pcp::Decode(ByHand(magic, Good()));
    EXPECT_EQ(read.machine, magic[3] == '2');
    EXPECT_EQ(read.key_name, "device key");
    EXPECT_EQ(read.public_area, Good().public_area);
    EXPECT_EQ(read.creation_data, Good().creation_data);
    EXPECT_EQ(read.attest, Good().attest);
    EXPECT_EQ(read.signature, Good().signature);
  }
  // Others put things behind it.
  EXPECT_NO_THROW(pcp::Decode(Join({ByHand("PCP1", Good()), Text("more")})));
}

TEST(PcpBlob, RefusesEveryTruncation) {
  const Buffer whole = ByHand("PCP2", Good());
  for (size_t size = 0; size < whole.size(); ++size) {
    ExpectError(ErrorCode::kInvalidArgument, [&] { pcp::Decode(Prefix(whole, size)); });
  }
}

// A changed name is another key's locator: there alone may a flip go unnoticed.
void RefusesFlips(const KeyBlob& good, std::initializer_list<uint8_t> bits) {
  const Buffer whole = ByHand("PCP1", good);
  const size_t name_from = 8, name_to = name_from + good.key_name.size();
  for (size_t at = 0; at < whole.size(); ++at) {
    if (at >= name_from && at < name_to) continue;
    for (uint8_t bit : bits) {
      Buffer changed = whole;
      changed[at] ^= bit;
      SCOPED_TRACE(at);
      ExpectError(ErrorCode::kInvalidArgument, [&] { pcp::Decode(changed); });
    }
  }
}

TEST(PcpBlob, RefusesEveryFlip) { RefusesFlips(Good(), {0x01, 0x10, 0x80}); }

TEST(PcpBlob, RefusesPartsThatDoNotFitTogether) {
  const SoftwareAk ak, other;
  const KeyBlob good = MadeBy(ak), foreign = MadeBy(other);
  auto refused = [&](auto change) {
    KeyBlob blob = good;
    change(blob);
    ExpectError(ErrorCode::kInvalidArgument, [&] { pcp::Decode(pcp::Encode(blob)); });
  };
  refused([&](KeyBlob& blob) { blob.public_area = foreign.public_area; });
  refused([&](KeyBlob& blob) { blob.attest = foreign.attest; });
  refused([&](KeyBlob& blob) { blob.creation_data.back() ^= 1; });
  refused([&](KeyBlob& blob) { blob.attest = ToBytes(QuoteAttest()); });
  refused([&](KeyBlob& blob) {
    blob.signature = ak.SignTpmt(blob.attest, EVP_sha384(), AlgId::kSha384);
  });
  refused([&](KeyBlob& blob) { blob.signature = Hex("0010"); });
  refused([&](KeyBlob& blob) { blob.signature.clear(); });
  // Well formed, but by another key.
  refused([&](KeyBlob& blob) { blob.signature = other.SignTpmt(blob.attest); });
  // A key that signs whatever it is given attests nothing.
  refused([&](KeyBlob& blob) {
    blob = MadeBy(SoftwareAk(kAkAttributes & ~ObjectAttributes::kRestricted));
  });
}

TEST(PcpBlob, BoundsEveryLength) {
  for (size_t at : {size_t{4}, 8 + Good().key_name.size()}) {
    Buffer blob = ByHand("PCP1", Good());
    for (size_t i = 0; i < 4; ++i) blob[at + i] = 0xff;
    ExpectError(ErrorCode::kInvalidArgument, [&] { pcp::Decode(blob); });
  }
}

TEST(PcpBlob, ChoosesAndJudgesKeyNames) {
  const std::string chosen = pcp::ChooseKeyName(std::nullopt, false);
  EXPECT_EQ(chosen.size(), 13u + 64u);
  EXPECT_EQ(chosen.substr(0, 13), "node-tpm2-ak-");
  EXPECT_EQ(chosen.find_first_not_of("0123456789abcdef", 13), std::string::npos);
  EXPECT_NE(chosen, pcp::ChooseKeyName(std::nullopt, false));
  EXPECT_EQ(pcp::ChooseKeyName("my-app-ak", true), "my-app-ak");
  EXPECT_EQ(pcp::ChooseKeyName("Schl\xc3\xbcssel \xf0\x9f\x94\x91", false),
            "Schl\xc3\xbcssel \xf0\x9f\x94\x91");
  ExpectError(ErrorCode::kInvalidArgument, [] { pcp::ChooseKeyName(std::nullopt, true); });
  for (const char* bad : {"", "a\\b", "\xff", "\xc0\x80", "\xed\xa0\x80", "cut \xe2\x82"}) {
    ExpectError(ErrorCode::kInvalidArgument, [&] { pcp::ChooseKeyName(bad, false); });
    KeyBlob blob = Good();
    blob.key_name = bad;
    ExpectError(ErrorCode::kInvalidArgument, [&] { pcp::Decode(pcp::Encode(blob)); });
  }
  for (const std::string& bad : {std::string("a\0b", 3), std::string(1025, 'a')}) {
    ExpectError(ErrorCode::kInvalidArgument, [&] { pcp::ChooseKeyName(bad, false); });
  }
  // Random names are users' keys only.
  ExpectError(ErrorCode::kInvalidArgument, [] { pcp::ChooseKeyName("node-tpm2-ak-1", true); });
  EXPECT_EQ(pcp::ChooseKeyName("node-tpm2-ak-1", false), "node-tpm2-ak-1");
  KeyBlob blob = Good();
  blob.machine = true;
  blob.key_name = "node-tpm2-ak-1";
  ExpectError(ErrorCode::kInvalidArgument, [&] { pcp::Decode(pcp::Encode(blob)); });
}

Buffer Binding(const KeyBlob& blob) {
  return Join({Sized16(blob.public_area), Sized16(blob.creation_data), Sized16(blob.attest),
               blob.signature});
}

TEST(PcpBlob, IsMadeFromAnIdBinding) {
  const KeyBlob blob = pcp::FromIdBinding(Binding(Good()), true, "device key");
  EXPECT_EQ(pcp::Encode(blob), ByHand("PCP2", Good()));
  ExpectError(ErrorCode::kNotSupported,
              [] { pcp::FromIdBinding(Hex("010100000000000000000000"), false, "of a TPM 1.2"); });
  const Buffer whole = Binding(Good());
  for (size_t size = 0; size < whole.size(); ++size) {
    ExpectError(ErrorCode::kIntegrity,
                [&] { pcp::FromIdBinding(Prefix(whole, size), false, "cut"); });
  }
  for (size_t at = 0; at < whole.size(); ++at) {
    Buffer changed = whole;
    changed[at] ^= 0x20;
    SCOPED_TRACE(at);
    ExpectError(ErrorCode::kIntegrity, [&] { pcp::FromIdBinding(changed, false, "flipped"); });
  }
}

TEST(PcpBlob, TellsWhatItsKeyIs) {
  op::ParseProviderBlob request;
  request.blob.public_area = ByHand("PCP2", Good());
  const op::ProviderBlobInfo info = Perform(request);
  EXPECT_EQ(info.type, "ecc");
  EXPECT_TRUE(info.sign);
  EXPECT_FALSE(info.decrypt);
  EXPECT_TRUE(info.restricted);
  EXPECT_EQ(info.scheme, "ecdsa");
  EXPECT_EQ(info.hash, "sha256");
  EXPECT_EQ(info.key_name, "device key");
  EXPECT_TRUE(info.machine);
  const Public area = pcp::PublicAreaOf(Good());
  EXPECT_EQ(info.name, ToBuffer(crypto::NameOf(area).view()));
  EXPECT_EQ(info.public_key_der, crypto::EncodeSpki(crypto::PublicKeyOf(area)));
  request.blob.private_area = Text("not empty");
  ExpectError(ErrorCode::kInvalidArgument, [&] { Perform(request); });
}

Buffer Words(std::initializer_list<uint32_t> words) {
  Buffer out;
  for (uint32_t word : words) {
    for (int shift = 0; shift < 32; shift += 8) out.push_back(static_cast<uint8_t>(word >> shift));
  }
  return out;
}
Buffer Modulus(size_t size = 256) {
  Buffer modulus(size, 0x5a);
  modulus.front() = 0xc1;
  modulus.back() = 0x03;
  return modulus;
}
const Buffer& P256Point() {
  static const Buffer* point = [] {
    const SoftwareAk ak;
    return new Buffer(
        Join({ak.Coordinate(OSSL_PKEY_PARAM_EC_PUB_X), ak.Coordinate(OSSL_PKEY_PARAM_EC_PUB_Y)}));
  }();
  return *point;
}

TEST(PcpPublicBlob, IsReadAsMicrosoftDocumentsIt) {
  const auto rsa = std::get<crypto::RsaPublicKey>(pcp::ParsePublicBlob(
      Join({Text("RSA1"), Words({2048, 3, 256, 0, 0}), Hex("010001"), Modulus()})));
  EXPECT_EQ(rsa.exponent, 65537u);
  EXPECT_EQ(rsa.modulus, Modulus());
  // As short as it may be, and padded.
  for (const char* exponent : {"03", "00000003"}) {
    const Buffer octets = Hex(exponent);
    const auto three = std::get<crypto::RsaPublicKey>(pcp::ParsePublicBlob(
        Join({Text("RSA1"), Words({3072, static_cast<uint32_t>(octets.size()), 384, 0, 0}), octets,
              Modulus(384)})));
    EXPECT_EQ(three.exponent, 3u);
  }
  for (const char* magic : {"ECK1", "ECS1"}) {
    const auto ecc = std::get<crypto::EccPublicKey>(
        pcp::ParsePublicBlob(Join({Text(magic), Words({32}), P256Point()})));
    EXPECT_EQ(ecc.curve, EccCurve::kNistP256);
    EXPECT_EQ(Join({ecc.x, ecc.y}), P256Point());
  }
}

TEST(PcpPublicBlob, RefusesWhatIsNone) {
  const auto refused = [](const Buffer& bytes) {
    ExpectError(ErrorCode::kMarshallingError, [&] { pcp::ParsePublicBlob(bytes); });
  };
  const Buffer rsa = Join({Text("RSA1"), Words({2048, 3, 256, 0, 0}), Hex("010001"), Modulus()});
  const Buffer ecc = Join({Text("ECK1"), Words({32}), P256Point()});
  for (const Buffer* whole : {&rsa, &ecc}) {
    for (size_t size = 0; size < whole->size(); ++size) refused(Prefix(*whole, size));
    refused(Join({*whole, Buffer(1, 0)}));
    // Every word of the head, made another and made huge.
    const size_t head = whole == &rsa ? 24 : 8;
    for (size_t at = 0; at < head; ++at) {
      Buffer changed = *whole;
      changed[at] ^= 0x81;
      refused(changed);
    }
    for (size_t at = 4; at < head; at += 4) {
      Buffer changed = *whole;
      std::fill_n(changed.begin() + static_cast<ptrdiff_t>(at), 4, uint8_t{0xff});
      refused(changed);
    }
  }
  // Private keys, other curves; exponents 0, 1 and even; a modulus with a zero in front.
  refused(Join({Text("RSA2"), Words({2048, 3, 256, 0, 0}), Hex("010001"), Modulus()}));
  refused(Join({Text("ECK2"), Words({32}), P256Point()}));
  refused(Join({Text("ECK3"), Words({48}), Buffer(96, 1)}));
  for (const char* exponent : {"000000", "000001", "010000"}) {
    refused(Join({Text("RSA1"), Words({2048, 3, 256, 0, 0}), Hex(exponent), Modulus()}));
  }
  refused(Join({Text("RSA1"), Words({2048, 3, 256, 0, 0}), Hex("010001"), Buffer(256, 0x01)}));
  refused(Join({Text("ECK1"), Words({32}), Buffer(64, 1)}));  // not on the curve
}

#ifndef _WIN32
TEST(PcpProvider, IsOnWindowsOnly) {
  TransportTraits traits;
  traits.description = "tbs:";
  EXPECT_FALSE(pcp::Serves(traits));
  ExpectError(ErrorCode::kNotSupported, [] { pcp::Open(Good()); });
  ExpectError(ErrorCode::kNotSupported, [] { pcp::Provision({}, nullptr); });
  EXPECT_TRUE(pcp::EndorsementCertificates(true).empty());
  EXPECT_FALSE(pcp::EndorsementKey(true) || pcp::EndorsementKey(false));
}
#endif

TEST(PcpSecurityDescriptor, SaysItsOwnSizes) {
  const auto& bytes = pcp::kMachineKeyDescriptor;
  const size_t dacl = bytes[16];
  EXPECT_EQ(dacl, 20u);
  EXPECT_EQ(dacl + bytes[dacl + 2], bytes.size());
  size_t at = dacl + 8;
  for (int entries = bytes[dacl + 4]; entries > 0; --entries) {
    EXPECT_EQ(bytes[at + 2], 8 + 8 + 4 * bytes[at + 9]) << at;  // header, mask, SID
    at += bytes[at + 2];
  }
  EXPECT_EQ(at, bytes.size());
}

std::filesystem::path FixturePath() {
  return crypto::SharedVectors() / "pcp" / "windows_gcp_shielded_vm.json";
}
Buffer FixtureValue(const std::string& json, const std::string& key) {
  const std::string before = "\"" + key + "\":\"";
  const size_t from = json.find(before) + before.size();
  const std::string text = json.substr(from, json.find('"', from) - from);
  Buffer out(text.size() * 3 / 4);
  EVP_DecodeBlock(out.data(), reinterpret_cast<const uint8_t*>(text.data()),
                  static_cast<int>(text.size()));
  out.resize(out.size() - static_cast<size_t>(std::count(text.end() - 2, text.end(), '=')));
  return out;
}

TEST(PcpBlob, TakesARealWindowsKey) {
  TPM2_REQUIRE_VECTORS(FixturePath());
  std::ifstream file(FixturePath(), std::ios::binary);
  const std::string json{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
  KeyBlob blob;
  blob.key_name = "a real one";
  blob.public_area = FixtureValue(json, "Public");
  blob.creation_data = FixtureValue(json, "CreateData");
  blob.attest = FixtureValue(json, "CreateAttestation");
  blob.signature = FixtureValue(json, "CreateSignature");
  op::ParseProviderBlob request;
  request.blob.public_area = ByHand("PCP1", blob);
  const op::ProviderBlobInfo info = Perform(request);
  EXPECT_EQ(info.type, "rsa");
  EXPECT_EQ(info.scheme, "rsassa");
  EXPECT_EQ(info.hash, "sha1");  // Windows' default
  EXPECT_EQ(pcp::Encode(pcp::FromIdBinding(Binding(blob), false, blob.key_name)),
            request.blob.public_area);
  RefusesFlips(blob, {0x10});
}

}  // namespace
}  // namespace tpm2

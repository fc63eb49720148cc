// Attestations and public areas as records.
#include <algorithm>
#include <array>

#include "verifier_support.h"

namespace tpm2 {
namespace {

template <StructureTag kType, typename Fill>
Attest AttestOf(const Fill& fill) {
  Attest attest = QuoteAttest();
  attest.type = kType;
  fill(attest.attested.emplace<kType>());
  return attest;
}

TEST(ParseAttest, ReadsEveryTypeAndNoPrefixOfIt) {
  using T = StructureTag;
  const Buffer name(34, 0x0b), digest(32, 0xdd);
  const std::vector<std::pair<const char*, Attest>> all = {
      {"quote", QuoteAttest()},
      {"certify", AttestOf<T::kAttestCertify>([&](auto& i) {
         i = {name, digest};
       })},
      {"creation", AttestOf<T::kAttestCreation>([&](auto& i) {
         i = {name, digest};
       })},
      {"time", AttestOf<T::kAttestTime>([&](auto& i) { i.time.time = 77; })},
      {"nv", AttestOf<T::kAttestNv>([&](auto& i) {
         i = {name, 5, digest};
       })},
      {"nvDigest", AttestOf<T::kAttestNvDigest>([&](auto& i) {
         i = {name, digest};
       })},
      {"sessionAudit", AttestOf<T::kAttestSessionAudit>([&](auto& i) {
         i = {true, digest};
       })},
      {"commandAudit", AttestOf<T::kAttestCommandAudit>([&](auto& i) {
         i = {0xffffffffffffffff, AlgId::kSha256, digest, digest};
       })}};
  for (const auto& [type, attest] : all) {
    const Buffer bytes = ToBytes(attest);
    const op::AttestRecord record = Perform(op::ParseAttest{bytes});
    EXPECT_EQ(record.type, type);
    EXPECT_EQ(record.extra_data, Text("nonce"));
    const std::array<bool, 8> held = {record.quote.has_value(),
                                      record.certify.has_value(),
                                      record.creation.has_value(),
                                      record.time.has_value(),
                                      record.nv.has_value(),
                                      record.nv_digest.has_value(),
                                      record.session_audit.has_value(),
                                      record.command_audit.has_value()};
    EXPECT_EQ(std::count(held.begin(), held.end(), true), 1) << type;
    EXPECT_EQ(Perform(op::ParseAttest{Sized16(bytes)}).type, type);
    for (size_t size = 0; size < bytes.size(); ++size) {
      ExpectError(ErrorCode::kInvalidArgument,
                  [&] { Perform(op::ParseAttest{Prefix(bytes, size)}); });
    }
    ExpectError(ErrorCode::kInvalidArgument, [&] { Perform(op::ParseAttest{Join({bytes, {0}})}); });
  }
  const auto record = [&](size_t i) { return Perform(op::ParseAttest{ToBytes(all[i].second)}); };
  EXPECT_EQ(record(1).certify->qualified_name, digest);
  EXPECT_EQ(record(2).creation->object_name, name);
  EXPECT_EQ(record(3).time->time, 77u);
  EXPECT_EQ(record(4).nv->offset, 5u);
  EXPECT_EQ(record(4).nv->contents, digest);
  EXPECT_EQ(record(5).nv_digest->nv_digest, digest);
  EXPECT_TRUE(record(6).session_audit->exclusive);
  EXPECT_EQ(record(7).command_audit->audit_counter, "18446744073709551615");
  EXPECT_EQ(record(7).command_audit->digest_alg, "sha256");
  Attest foreign = QuoteAttest();
  foreign.magic = 0xff544348;
  ExpectError(ErrorCode::kInvalidArgument, [&] { Perform(op::ParseAttest{ToBytes(foreign)}); });
}

TEST(ParsePublic, ReadsBothFormsAndNoPrefix) {
  const SoftwareAk ak;
  const Buffer bare = ToBytes(ak.area), sized = ak.PublicBytes();
  for (const Buffer& bytes : {bare, sized}) {
    const op::PublicRecord record = Perform(op::ParsePublic{bytes});
    EXPECT_EQ(record.type, "ecc");
    EXPECT_EQ(record.name_alg, "sha256");
    EXPECT_EQ(record.curve, "P-256");
    EXPECT_EQ(record.scheme, "ecdsa");
    EXPECT_EQ(record.hash, "sha256");
    EXPECT_FALSE(record.bits || record.exponent || record.symmetric);
    EXPECT_EQ(record.attributes.size(), 12u);
    EXPECT_TRUE(record.attributes.at("restricted"));
    EXPECT_FALSE(record.attributes.at("decrypt"));
    EXPECT_EQ(record.attributes_raw, static_cast<uint32_t>(kAkAttributes));
    EXPECT_EQ(record.name, Join({{0, 0x0b}, crypto::Digest(AlgId::kSha256, {bare})}));
    EXPECT_EQ(record.public_key_der, ak.Spki());
    EXPECT_EQ(record.public_area, sized);
    for (size_t size = 0; size < bytes.size(); ++size) {
      ExpectError(ErrorCode::kInvalidArgument,
                  [&] { Perform(op::ParsePublic{Prefix(bytes, size)}); });
    }
  }
}

TEST(ParsePublic, ReadsWhatIsNoPublicKey) {
  Public sealed;
  sealed.type = AlgId::kKeyedHash;
  sealed.name_alg = AlgId::kSha384;
  sealed.parameters.emplace<AlgId::kKeyedHash>();
  sealed.unique.emplace<AlgId::kKeyedHash>() = Buffer(48, 1);
  const op::PublicRecord record = Perform(op::ParsePublic{ToBytes(sealed)});
  EXPECT_EQ(record.type, "keyedhash");
  EXPECT_EQ(record.name.size(), 50u);
  EXPECT_FALSE(record.public_key_der || record.scheme);

  Public storage;  // a template: no key in it
  storage.type = AlgId::kRsa;
  storage.name_alg = AlgId::kSha256;
  RsaParms& parms = storage.parameters.emplace<AlgId::kRsa>();
  parms.symmetric = SymDef::AesCfb(128);
  parms.key_bits = 2048;
  storage.unique.emplace<AlgId::kRsa>();
  const op::PublicRecord empty = Perform(op::ParsePublic{ToBytes(storage)});
  EXPECT_EQ(empty.bits, 2048u);
  EXPECT_EQ(empty.exponent, 65537u);
  EXPECT_EQ(empty.symmetric->algorithm, "aes");
  EXPECT_EQ(empty.symmetric->bits, 128u);
  EXPECT_EQ(empty.symmetric->mode, "cfb");
  EXPECT_FALSE(empty.public_key_der);
}

}  // namespace
}  // namespace tpm2

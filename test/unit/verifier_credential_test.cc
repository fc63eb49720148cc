// makeCredential against the TPM's side of the protocol, written here once more from the
// specification (Part 1, 24); parseCredential; creation attestations.
#include <openssl/evp.h>

#include <algorithm>
#include <functional>

#include "verifier_support.h"

namespace tpm2 {
namespace {

const Buffer kAkName = Join({{0, 0x0b}, Buffer(32, 0x5a)});

// What TPM2_ActivateCredential does with the seed; empty when the integrity value is wrong.
Buffer Activate(const op::Credential& credential, const SecretBytes& seed, AlgId hash,
                uint32_t aes_bits, const Buffer& name) {
  const auto object = FromBytes<IdObject>(credential.credential_blob);
  const auto bits = static_cast<uint32_t>(crypto::DigestSize(hash) * 8);
  const SecretBytes hmac_key = crypto::KdfA(hash, seed, "INTEGRITY", {}, {}, bits);
  if (crypto::Plain(crypto::Hmac(hash, hmac_key, {object.enc_identity, name})) !=
      object.integrity_hmac.octets()) {
    return {};
  }
  const SecretBytes key = crypto::KdfA(hash, seed, "STORAGE", name, {}, aes_bits);
  Buffer plain = object.enc_identity;
  crypto::AesCfbDecrypt(key, Buffer(16), plain);
  return FromBytes<Digest>(plain).octets();
}

TEST(MakeCredential, OpensForEveryEccProfile) {
  const auto keys = crypto::Rfc6979Keys();
  const AlgId kHashes[] = {AlgId::kSha256, AlgId::kSha384, AlgId::kSha512};
  const uint32_t kAesBits[] = {128, 256, 256};
  for (size_t i = 0; i < keys.size(); ++i) {
    const Buffer secret = Text("a secret of any length up to 32");
    const op::Credential made =
        Perform(op::MakeCredential{crypto::EncodeSpki(keys[i].key), kAkName, ToSecret(secret)});
    const auto point = FromBytes<EccPoint>(made.secret);
    const SecretBytes seed =
        crypto::DecapsulateEcc(keys[i].key, keys[i].scalar, kHashes[i], "IDENTITY",
                               {keys[i].key.curve, point.x.octets(), point.y.octets()});
    EXPECT_EQ(Activate(made, seed, kHashes[i], kAesBits[i], kAkName), secret);
    Buffer other = kAkName;
    other.back() ^= 1;
    EXPECT_TRUE(Activate(made, seed, kHashes[i], kAesBits[i], other).empty());
  }
}

TEST(MakeCredential, OpensForRsa) {
  for (const unsigned bits : {2048u, 3072u}) {
    const crypto::SoftwareRsa rsa = crypto::MakeRsa(bits);
    const AlgId hash = bits == 2048 ? AlgId::kSha256 : AlgId::kSha384;
    const Buffer secret(crypto::DigestSize(hash), 0x42);
    const op::Credential made = Perform(
        op::MakeCredential{crypto::EncodeSpki(rsa.public_key), Sized16(kAkName), ToSecret(secret)});
    const SecretBytes seed = crypto::DecapsulateRsa(rsa.pkcs1, hash, "IDENTITY", made.secret);
    EXPECT_EQ(Activate(made, seed, hash, bits == 2048 ? 128 : 256, kAkName), secret);
  }
}

Public EccEk(const crypto::EccPublicKey& key) {
  Public area;
  area.type = AlgId::kEcc;
  area.name_alg = AlgId::kSha384;
  area.attributes = ObjectAttributes::kRestricted | ObjectAttributes::kDecrypt;
  EccParms& parms = area.parameters.emplace<AlgId::kEcc>();
  parms.symmetric = SymDef::AesCfb(192);
  parms.curve = key.curve;
  area.unique.emplace<AlgId::kEcc>() = {key.x, key.y};
  return area;
}

TEST(MakeCredential, FollowsThePublicArea) {
  const crypto::EccVector vector = crypto::Rfc6979Keys()[0];
  const Public area = EccEk(vector.key);
  const Buffer secret(48, 0x24);
  for (const Buffer& ek : {ToBytes(area), ToBytes(Sized<Public>{area})}) {
    const op::Credential made = Perform(op::MakeCredential{ek, kAkName, ToSecret(secret)});
    const auto point = FromBytes<EccPoint>(made.secret);
    const SecretBytes seed =
        crypto::DecapsulateEcc(vector.key, vector.scalar, AlgId::kSha384, "IDENTITY",
                               {vector.key.curve, point.x.octets(), point.y.octets()});
    EXPECT_EQ(Activate(made, seed, AlgId::kSha384, 192, kAkName), secret);
  }
}

TEST(MakeCredential, RefusesBadArguments) {
  const crypto::EccVector vector = crypto::Rfc6979Keys()[0];
  const Public area = EccEk(vector.key);
  const auto refused = [](const Buffer& ek, const Buffer& name, size_t secret) {
    ExpectError(ErrorCode::kInvalidArgument, [&] {
      Perform(op::MakeCredential{ek, name, SecretBytes(secret)});
    });
  };
  const Buffer ek = ToBytes(area);
  refused(ek, kAkName, 0);
  refused(ek, kAkName, 49);
  refused(crypto::EncodeSpki(vector.key), kAkName, 33);
  refused({}, kAkName, 16);
  refused(Text("no key"), kAkName, 16);
  for (size_t size = 0; size < ek.size(); ++size) refused(Prefix(ek, size), kAkName, 16);
  for (size_t size = 0; size < kAkName.size(); ++size) refused(ek, Prefix(kAkName, size), 16);
  refused(ek, Join({kAkName, {0}}), 16);
  refused(ek, Join({{0, 0x99}, Buffer(32)}), 16);

  const auto changed = [&](const std::function<void(Public&)>& change) {
    Public other = area;
    change(other);
    return ToBytes(other);
  };
  using A = ObjectAttributes;
  refused(changed([](Public& p) { p.attributes = A::kDecrypt; }), kAkName, 16);
  refused(changed([](Public& p) { p.attributes |= A::kSign; }), kAkName, 16);
  refused(changed([](Public& p) { p.name_alg = AlgId::kSm3_256; }), kAkName, 16);
  refused(changed([](Public& p) {
            p.parameters.get_if<AlgId::kEcc>()->symmetric = {AlgId::kCamellia, 128, AlgId::kCfb};
          }),
          kAkName, 16);
  refused(changed([](Public& p) { p.unique.get_if<AlgId::kEcc>()->x.octets()[0] ^= 1; }), kAkName,
          16);
}

TEST(ParseCredential, ReadsBothFormsAndNoPrefix) {
  const crypto::EccVector vector = crypto::Rfc6979Keys()[0];
  const op::Credential made =
      Perform(op::MakeCredential{crypto::EncodeSpki(vector.key), kAkName, SecretBytes(16, 1)});
  const Buffer plain = Join({Sized16(made.credential_blob), Sized16(made.secret)});
  const Buffer file = Join({Hex("badcc0de 00000001"), plain});
  for (const Buffer& bytes : {plain, file}) {
    const op::Credential read = Perform(op::ParseCredential{bytes});
    EXPECT_EQ(read.credential_blob, made.credential_blob);
    EXPECT_EQ(read.secret, made.secret);
    for (size_t size = 0; size < bytes.size(); ++size) {
      ExpectError(ErrorCode::kInvalidArgument,
                  [&] { Perform(op::ParseCredential{Prefix(bytes, size)}); });
    }
    ExpectError(ErrorCode::kInvalidArgument, [&] {
      Perform(op::ParseCredential{Join({bytes, {0}})});
    });
  }
  ExpectError(ErrorCode::kInvalidArgument, [&] {
    Perform(op::ParseCredential{Join({Hex("badcc0de 00000002"), plain})});
  });
  ExpectError(ErrorCode::kInvalidArgument, [&] { Perform(op::ParseCredential{Hex("0000 0000")}); });
}

// --- A real Windows key --------------------------------------------------------------------------

struct Fixture {
  Buffer public_area, creation_data, attest, signature, quote, quote_signature;
};

Buffer Base64(const std::string& text) {
  Buffer out(text.size() / 4 * 3);
  const int size = EVP_DecodeBlock(out.data(), reinterpret_cast<const uint8_t*>(text.data()),
                                   static_cast<int>(text.size()));
  if (size < 0) throw std::runtime_error("vectors: bad base64");
  const auto padding = static_cast<size_t>(std::count(text.begin(), text.end(), '='));
  out.resize(static_cast<size_t>(size) - padding);
  return out;
}

Buffer Value(const std::string& json, const std::string& key) {
  const std::string before = "\"" + key + "\":\"";
  const size_t begin = json.find(before);
  if (begin == std::string::npos) throw std::runtime_error("vectors: no " + key);
  const size_t from = begin + before.size();
  return Base64(json.substr(from, json.find('"', from) - from));
}

std::filesystem::path FixturePath() {
  return crypto::SharedVectors() / "pcp" / "windows_gcp_shielded_vm.json";
}
Fixture ReadFixture() {
  std::ifstream file(FixturePath(), std::ios::binary);
  const std::string json{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
  const std::string quote = json.substr(json.find("\"Quote\":{"));
  return {Value(json, "Public"),
          Value(json, "CreateData"),
          Value(json, "CreateAttestation"),
          Value(json, "CreateSignature"),
          Value(quote.substr(9), "Quote"),
          Value(quote.substr(9), "Signature")};
}

op::VerifyCreation CreationRequest(const Fixture& real) {
  op::VerifyCreation request;
  request.public_area = real.public_area;
  request.creation_data = real.creation_data;
  request.message = real.attest;
  request.signature = real.signature;
  request.qualifying_data = Buffer();
  return request;
}

TEST(VerifyCreation, AcceptsARealWindowsKeyAndNoChangedOne) {
  TPM2_REQUIRE_VECTORS(FixturePath());
  const Fixture real = ReadFixture();
  const op::VerifyCreation good = CreationRequest(real);
  const op::CreationVerdict verdict = Perform(good);
  EXPECT_TRUE(verdict.ok);
  for (const op::CheckRecord& check : verdict.checks) EXPECT_TRUE(check.ok.value_or(false));
  EXPECT_EQ(verdict.creation->parent_name_alg, "sha256");
  EXPECT_EQ(verdict.public_area.bits, 2048u);

  // Each part is covered by another: flips are noticed by whichever check it is.
  using Part = Buffer op::VerifyCreation::*;
  for (const Part part : {&op::VerifyCreation::creation_data, &op::VerifyCreation::message,
                          &op::VerifyCreation::signature}) {
    op::VerifyCreation changed = good;
    for (size_t i = 0; i < (good.*part).size(); ++i) {
      (changed.*part)[i] ^= 0x10;
      EXPECT_FALSE(Perform(changed).ok) << i;
      if (i % 4 == 0) {
        changed.*part = Prefix(good.*part, i);
        EXPECT_FALSE(Perform(changed).ok) << i;
      }
      changed = good;
    }
  }
  op::VerifyCreation changed = good;
  for (size_t i = 0; i < good.public_area.size(); ++i) {
    changed.public_area[i] ^= 0x10;
    try {
      EXPECT_FALSE(Perform(changed).ok) << i;
    } catch (const Error& error) {
      EXPECT_EQ(error.code, ErrorCode::kInvalidArgument) << error.message;
    }
    changed = good;
  }
  changed.qualifying_data = Text("nonce");
  EXPECT_FALSE(Perform(changed).ok);
}

TEST(VerifyCreation, TakesAnotherSigner) {
  TPM2_REQUIRE_VECTORS(FixturePath());
  const Fixture real = ReadFixture();
  op::VerifyCreation request = CreationRequest(real);
  request.signer.ak_public = real.public_area;
  EXPECT_TRUE(Perform(request).ok);
  request.signer.ak_public.reset();
  request.signer.ak_public_key = crypto::EncodeSpki(crypto::Rfc6979Keys()[0].key);
  EXPECT_FALSE(Perform(request).ok);
}

Buffer LittleEndianField(const Buffer& bytes) {
  return Join(
      {{static_cast<uint8_t>(bytes.size()), static_cast<uint8_t>(bytes.size() >> 8), 0, 0}, bytes});
}

TEST(ParseCreation, ReadsIdBindingAndKeyBlobAndNoPrefix) {
  TPM2_REQUIRE_VECTORS(FixturePath());
  const Fixture real = ReadFixture();
  const Buffer binding = Join({Sized16(real.public_area), Sized16(real.creation_data),
                               Sized16(real.attest), real.signature});
  const Buffer blob =
      Join({Text("PCP2"), LittleEndianField(Text("my-ak")), LittleEndianField(real.public_area),
            LittleEndianField(real.creation_data), LittleEndianField(real.attest),
            LittleEndianField(real.signature)});
  for (const Buffer& bytes : {binding, blob}) {
    const op::CreationParts parts = Perform(op::ParseCreation{bytes});
    EXPECT_EQ(parts.public_area, real.public_area);
    EXPECT_EQ(parts.creation_data, real.creation_data);
    EXPECT_EQ(parts.message, real.attest);
    EXPECT_EQ(parts.signature, real.signature);
    for (size_t size = 0; size < bytes.size(); ++size) {
      try {
        const op::CreationParts cut = Perform(op::ParseCreation{Prefix(bytes, size)});
        // Only a signature has no size of its own.
        EXPECT_LT(cut.signature.size(), real.signature.size());
        EXPECT_FALSE(
            Perform(op::VerifyCreation{
                        cut.public_area, cut.creation_data, cut.message, cut.signature, {}, {}})
                .ok);
      } catch (const Error& error) {
        EXPECT_EQ(error.code, ErrorCode::kInvalidArgument) << error.message;
      }
    }
  }
  EXPECT_EQ(Perform(op::ParseCreation{blob}).key_name, "my-ak");
  EXPECT_EQ(Perform(op::ParseCreation{blob}).scope, "machine");
  ExpectError(ErrorCode::kNotSupported, [&] {
    Perform(op::ParseCreation{Join({Hex("01010000"), Buffer(64)})});
  });
}

TEST(VerifyQuote, AcceptsARealWindowsQuote) {
  TPM2_REQUIRE_VECTORS(FixturePath());
  const Fixture real = ReadFixture();
  op::VerifyQuote request;
  request.message = real.quote;
  request.signature = real.quote_signature;
  request.signer.ak_public = real.public_area;
  EXPECT_TRUE(Perform(request).ok);
  request.signature = Buffer(real.quote_signature.begin() + 6, real.quote_signature.end());
  EXPECT_TRUE(Perform(request).ok);  // the public area says SHA-1
  request.signer.ak_public_key =
      crypto::EncodeSpki(crypto::PublicKeyOf(FromBytes<Public>(real.public_area)));
  request.signer.ak_public.reset();
  EXPECT_FALSE(Perform(request).ok);
  request.signer.hash = "sha1";
  EXPECT_TRUE(Perform(request).ok);
}

}  // namespace
}  // namespace tpm2

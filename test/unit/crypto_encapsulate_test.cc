#include "crypto_keys.h"

namespace tpm2::crypto {
namespace {

// --- the recipients' keys of the shared vectors: TPMT_PUBLIC and TPMT_SENSITIVE ---------------

struct Recipient {
  AlgId hash{};  // of the key's OAEP scheme if it has one, else its name algorithm
  Buffer modulus;
  EccPublicKey ecc;
  Buffer secret;  // a prime of the modulus, or the scalar
};

// The hash of a scheme; kNull for no scheme.
AlgId ReadScheme(Cursor& cursor) {
  const auto scheme = static_cast<AlgId>(cursor.Number(2));
  return scheme == AlgId::kNull ? scheme : static_cast<AlgId>(cursor.Number(2));
}

Recipient ReadRecipient(const Case& one) {
  Recipient out;
  Cursor area(Hex(one.at("PublicKey")));
  const auto type = static_cast<AlgId>(area.Number(2));
  out.hash = static_cast<AlgId>(area.Number(2));
  area.Number(4);
  area.Sized();
  if (area.Number(2) != static_cast<uint32_t>(AlgId::kNull)) area.Number(4);
  const AlgId scheme_hash = ReadScheme(area);
  if (type == AlgId::kRsa) {
    if (scheme_hash != AlgId::kNull) out.hash = scheme_hash;
    area.Number(2);
    if (area.Number(4) != 0) throw std::runtime_error("vectors: unexpected exponent");
    out.modulus = area.Sized();
  } else {
    out.ecc.curve = static_cast<EccCurve>(area.Number(2));
    ReadScheme(area);
    out.ecc.x = area.Sized();
    out.ecc.y = area.Sized();
  }
  Cursor sensitive(Hex(one.at("PrivateKey")));
  sensitive.Number(2);
  sensitive.Sized();
  sensitive.Sized();
  out.secret = sensitive.Sized();
  if (!area.AtEnd() || !sensitive.AtEnd()) throw std::runtime_error("vectors: octets left over");
  return out;
}

// --- PKCS#1 RSAPrivateKey out of the modulus and one prime -------------------------------------

using Number = std::unique_ptr<BIGNUM, decltype(&BN_free)>;
Number Make(const Buffer& octets) {
  return {BN_bin2bn(octets.data(), static_cast<int>(octets.size()), nullptr), BN_free};
}

Buffer DerHeader(uint8_t tag, size_t size) {
  return {tag, 0x82, static_cast<uint8_t>(size >> 8), static_cast<uint8_t>(size)};
}

Buffer DerInteger(const BIGNUM* value) {
  Buffer octets(static_cast<size_t>(BN_num_bytes(value)) + 1);
  BN_bn2binpad(value, octets.data(), static_cast<int>(octets.size()));
  if (octets[1] < 0x80) octets.erase(octets.begin());
  if (octets.size() < 0x80) return Join({{0x02, static_cast<uint8_t>(octets.size())}, octets});
  if (octets.size() < 0x100) {
    return Join({{0x02, 0x81, static_cast<uint8_t>(octets.size())}, octets});
  }
  return Join({DerHeader(0x02, octets.size()), octets});
}

Buffer Pkcs1(const Buffer& modulus, const Buffer& prime) {
  const std::unique_ptr<BN_CTX, decltype(&BN_CTX_free)> scratch(BN_CTX_new(), BN_CTX_free);
  Number n = Make(modulus), p = Make(prime), e = Make({1, 0, 1}), q = Make({}), p1 = Make({}),
         q1 = Make({}), phi = Make({}), d = Make({}), dp = Make({}), dq = Make({}), qi = Make({}),
         rest = Make({});
  BN_div(q.get(), rest.get(), n.get(), p.get(), scratch.get());
  if (!BN_is_zero(rest.get())) throw std::runtime_error("vectors: not a prime of the modulus");
  BN_sub(p1.get(), p.get(), BN_value_one());
  BN_sub(q1.get(), q.get(), BN_value_one());
  BN_mul(phi.get(), p1.get(), q1.get(), scratch.get());
  BN_mod_inverse(d.get(), e.get(), phi.get(), scratch.get());
  BN_mod(dp.get(), d.get(), p1.get(), scratch.get());
  BN_mod(dq.get(), d.get(), q1.get(), scratch.get());
  BN_mod_inverse(qi.get(), q.get(), p.get(), scratch.get());
  Buffer body = {0x02, 0x01, 0x00};
  for (const Number* number : {&n, &e, &d, &p, &q, &dp, &dq, &qi}) {
    body = Join({body, DerInteger(number->get())});
  }
  return Join({DerHeader(0x30, body.size()), body});
}

// --- the shared vectors --------------------------------------------------------------------------

TEST(CryptoEncapsulate, RsaSharedVectorsAndOurOwnForTheirKeys) {
  const auto path = SharedVectors() / "encaps" / "rsa_labeled_encaps.json";
  TPM2_REQUIRE_VECTORS(path);
  const auto cases = ReadCases(path);
  ASSERT_EQ(cases.size(), 100u);
  std::map<Buffer, Buffer> private_keys;
  for (const Case& one : cases) {
    SCOPED_TRACE(one.at("Name"));
    const Recipient recipient = ReadRecipient(one);
    Buffer& private_key = private_keys[recipient.modulus];
    if (private_key.empty()) private_key = Pkcs1(recipient.modulus, recipient.secret);
    const std::string& label = one.at("Label");
    EXPECT_EQ(Plain(DecapsulateRsa(private_key, recipient.hash, label, Hex(one.at("Ciphertext")))),
              Hex(one.at("Secret")));
    const RsaPublicKey public_key{.modulus = recipient.modulus};
    const RsaEncapsulated ours = EncapsulateRsa(public_key, recipient.hash, label);
    EXPECT_EQ(ours.secret.size(), DigestSize(recipient.hash));
    EXPECT_EQ(DecapsulateRsa(private_key, recipient.hash, label, ours.ciphertext), ours.secret);
  }
}

TEST(CryptoEncapsulate, EccSharedVectorsAndOurOwnForTheirKeys) {
  const auto path = SharedVectors() / "encaps" / "ecc_labeled_encaps.json";
  TPM2_REQUIRE_VECTORS(path);
  const auto cases = ReadCases(path);
  ASSERT_EQ(cases.size(), 100u);
  for (const Case& one : cases) {
    SCOPED_TRACE(one.at("Name"));
    const Recipient recipient = ReadRecipient(one);
    const std::string& label = one.at("Label");
    Cursor point(Hex(one.at("Ciphertext")));
    EccPublicKey ephemeral{.curve = recipient.ecc.curve};
    ephemeral.x = point.Sized();
    ephemeral.y = point.Sized();
    EXPECT_EQ(
        Plain(DecapsulateEcc(recipient.ecc, recipient.secret, recipient.hash, label, ephemeral)),
        Hex(one.at("Secret")));
    const EccEncapsulated ours = EncapsulateEcc(recipient.ecc, recipient.hash, label);
    EXPECT_EQ(ours.secret.size(), DigestSize(recipient.hash));
    EXPECT_EQ(
        DecapsulateEcc(recipient.ecc, recipient.secret, recipient.hash, label, ours.ephemeral),
        ours.secret);
  }
}

// --- what needs no shared vectors
// -----------------------------------------------------------------

TEST(CryptoEncapsulate, EccRoundTripsWithFreshPaddedPoints) {
  for (const EccVector& one : Rfc6979Keys()) {
    Buffer last;
    for (int i = 0; i < 20; ++i) {
      const EccEncapsulated ours = EncapsulateEcc(one.key, AlgId::kSha256, "SECRET");
      EXPECT_EQ(ours.ephemeral.curve, one.key.curve);
      EXPECT_EQ(ours.ephemeral.x.size(), one.key.x.size());
      EXPECT_EQ(ours.ephemeral.y.size(), one.key.y.size());
      EXPECT_NE(ours.ephemeral.x, last);
      last = ours.ephemeral.x;
      EXPECT_EQ(ours.secret.size(), 32u);
      EXPECT_EQ(DecapsulateEcc(one.key, one.scalar, AlgId::kSha256, "SECRET", ours.ephemeral),
                ours.secret);
      EXPECT_NE(DecapsulateEcc(one.key, one.scalar, AlgId::kSha256, "IDENTITY", ours.ephemeral),
                ours.secret);
    }
  }
}

TEST(CryptoEncapsulate, EccRefusesBadPointsAndScalars) {
  const auto keys = Rfc6979Keys();
  const EccVector& one = keys[0];
  EccPublicKey off = one.key;
  off.y.back() ^= 1;
  ExpectError(ErrorCode::kInvalidArgument, [&] { EncapsulateEcc(off, AlgId::kSha256, "SECRET"); });
  ExpectError(ErrorCode::kInvalidArgument,
              [&] { DecapsulateEcc(one.key, one.scalar, AlgId::kSha256, "SECRET", off); });
  ExpectError(ErrorCode::kInvalidArgument,
              [&] { DecapsulateEcc(off, one.scalar, AlgId::kSha256, "SECRET", one.key); });
  ExpectError(ErrorCode::kInvalidArgument,
              [&] { DecapsulateEcc(one.key, one.scalar, AlgId::kSha256, "SECRET", keys[1].key); });
  Buffer other_scalar = one.scalar;
  other_scalar.back() ^= 1;
  for (const Buffer& scalar :
       {Buffer{}, Buffer(32), Buffer(32, 0xff), Join({{0}, one.scalar}), other_scalar}) {
    ExpectError(ErrorCode::kInvalidArgument,
                [&] { DecapsulateEcc(one.key, scalar, AlgId::kSha256, "SECRET", one.key); });
  }
  EccPublicKey unknown = one.key;
  unknown.curve = EccCurve::kSm2P256;
  ExpectError(ErrorCode::kNotSupported, [&] { EncapsulateEcc(unknown, AlgId::kSha256, "SECRET"); });
  ExpectError(ErrorCode::kNotSupported, [&] { EncapsulateEcc(one.key, AlgId::kNull, "SECRET"); });
}

TEST(CryptoEncapsulate, RsaLabelHashAndCiphertextAllCount) {
  const SoftwareRsa rsa = MakeRsa(1024);
  const RsaEncapsulated ours = EncapsulateRsa(rsa.public_key, AlgId::kSha256, "DUPLICATE");
  EXPECT_EQ(ours.ciphertext.size(), 128u);
  EXPECT_EQ(DecapsulateRsa(rsa.pkcs1, AlgId::kSha256, "DUPLICATE", ours.ciphertext), ours.secret);
  const RsaEncapsulated again = EncapsulateRsa(rsa.public_key, AlgId::kSha256, "DUPLICATE");
  EXPECT_NE(again.secret, ours.secret);
  const auto refuses = [&](AlgId hash, std::string_view label, const Buffer& ciphertext) {
    ExpectError(ErrorCode::kInvalidArgument,
                [&] { DecapsulateRsa(rsa.pkcs1, hash, label, ciphertext); });
  };
  refuses(AlgId::kSha256, "SECRET", ours.ciphertext);
  refuses(AlgId::kSha1, "DUPLICATE", ours.ciphertext);
  Buffer changed = ours.ciphertext;
  changed.back() ^= 1;
  refuses(AlgId::kSha256, "DUPLICATE", changed);
  refuses(AlgId::kSha256, "DUPLICATE", Buffer(127, 1));
  refuses(AlgId::kSha256, "DUPLICATE", {});
  ExpectError(ErrorCode::kInvalidArgument,
              [&] { DecapsulateRsa(Text("no key"), AlgId::kSha256, "SECRET", ours.ciphertext); });
  ExpectError(ErrorCode::kInvalidArgument, [&] {
    DecapsulateRsa(Join({rsa.pkcs1, {0}}), AlgId::kSha256, "SECRET", ours.ciphertext);
  });
}

TEST(CryptoEncapsulate, RsaOaepLabelAsGivenAndLengthLimits) {
  const SoftwareRsa rsa = MakeRsa(1024);
  // The label's zero octet is the only difference between the two interfaces.
  const Buffer secret = Text("0123456789");
  const Buffer ciphertext =
      RsaOaepEncrypt(rsa.public_key, AlgId::kSha256, Join({Text("IDENTITY"), {0}}), secret);
  EXPECT_EQ(Plain(DecapsulateRsa(rsa.pkcs1, AlgId::kSha256, "IDENTITY", ciphertext)), secret);
  const Buffer without_zero =
      RsaOaepEncrypt(rsa.public_key, AlgId::kSha256, Text("IDENTITY"), secret);
  ExpectError(ErrorCode::kInvalidArgument,
              [&] { DecapsulateRsa(rsa.pkcs1, AlgId::kSha256, "IDENTITY", without_zero); });
  // k - 2 hLen - 2 octets fit; but a secret longer than the digest is refused when it comes back.
  const Buffer most = RsaOaepEncrypt(rsa.public_key, AlgId::kSha256, Buffer{0}, Buffer(62, 1));
  EXPECT_EQ(most.size(), 128u);
  ExpectError(ErrorCode::kInvalidArgument,
              [&] { DecapsulateRsa(rsa.pkcs1, AlgId::kSha256, "", most); });
  ExpectError(ErrorCode::kInvalidArgument,
              [&] { RsaOaepEncrypt(rsa.public_key, AlgId::kSha256, {}, Buffer(63, 1)); });
  ExpectError(ErrorCode::kInvalidArgument,
              [&] { RsaOaepEncrypt(rsa.public_key, AlgId::kSha512, {}, {}); });
  EXPECT_EQ(RsaOaepEncrypt(rsa.public_key, AlgId::kSha1, {}, {}).size(), 128u);
}

// The empty label, with an implementation that takes it as the default.
TEST(CryptoEncapsulate, RsaOaepWithoutLabelIsPlainOaep) {
  const SoftwareRsa rsa = MakeRsa(1024);
  const Buffer plain = Text("plain");
  const Buffer ciphertext = RsaOaepEncrypt(rsa.public_key, AlgId::kSha256, {}, plain);
  const std::unique_ptr<EVP_PKEY_CTX, decltype(&EVP_PKEY_CTX_free)> context(
      EVP_PKEY_CTX_new(rsa.key.get(), nullptr), EVP_PKEY_CTX_free);
  ASSERT_EQ(EVP_PKEY_decrypt_init(context.get()), 1);
  EVP_PKEY_CTX_set_rsa_padding(context.get(), RSA_PKCS1_OAEP_PADDING);
  EVP_PKEY_CTX_set_rsa_oaep_md(context.get(), EVP_sha256());
  Buffer out(128);
  size_t size = out.size();
  ASSERT_EQ(
      EVP_PKEY_decrypt(context.get(), out.data(), &size, ciphertext.data(), ciphertext.size()), 1);
  out.resize(size);
  EXPECT_EQ(out, plain);
}

}  // namespace
}  // namespace tpm2::crypto

#include <openssl/pem.h>

#include "crypto_keys.h"

namespace tpm2::crypto {
namespace {

const RsaPublicKey& Rsa(const PublicKey& key) { return std::get<RsaPublicKey>(key); }
const EccPublicKey& Ecc(const PublicKey& key) { return std::get<EccPublicKey>(key); }

TEST(CryptoSpki, EccIsTheFixedPrefixAndTheCoordinates) {
  for (const EccVector& one : Rfc6979Keys()) {
    const Buffer spki = Join({one.spki_prefix, one.key.x, one.key.y});
    EXPECT_EQ(EncodeSpki(one.key), spki);
    const EccPublicKey back = Ecc(DecodeSpki(spki));
    EXPECT_EQ(back.curve, one.key.curve);
    EXPECT_EQ(back.x, one.key.x);
    EXPECT_EQ(back.y, one.key.y);
  }
}

TEST(CryptoSpki, CoordinatesWithoutLeadingZerosArePadded) {
  EccVector one = Rfc6979Keys()[2];
  const Buffer spki = EncodeSpki(one.key);
  ASSERT_EQ(one.key.y.front(), 0);
  one.key.y.erase(one.key.y.begin());
  EXPECT_EQ(EncodeSpki(one.key), spki);
}

TEST(CryptoSpki, RsaOfAllSizesBothWays) {
  for (unsigned bits : {1024u, 2048u, 3072u, 4096u}) {
    SCOPED_TRACE(bits);
    // For encoding any odd number of that length will do as a modulus.
    RsaPublicKey key{.modulus = Buffer(bits / 8, 0xc3), .exponent = 65537};
    const Buffer spki = EncodeSpki(key);
    const RsaPublicKey back = Rsa(DecodeSpki(spki));
    EXPECT_EQ(back.modulus, key.modulus);
    EXPECT_EQ(back.exponent, 65537u);
    if (bits == 2048) {
      EXPECT_EQ(spki, Join({Hex("30820122300d06092a864886f70d01010105000382010f00"
                                "3082010a0282010100"),
                            key.modulus, Hex("0203010001")}));
    }
    key.exponent = 0xffffffff;
    EXPECT_EQ(Rsa(DecodeSpki(EncodeSpki(key))).exponent, 0xffffffffu);
  }
}

TEST(CryptoSpki, RefusesPointsThatAreNotOnTheCurve) {
  for (const EccVector& one : Rfc6979Keys()) {
    EccPublicKey off = one.key;
    off.y.back() ^= 1;
    ExpectError(ErrorCode::kInvalidArgument, [&] { EncodeSpki(off); });
    ExpectError(ErrorCode::kInvalidArgument, [&] {
      DecodeSpki(Join({one.spki_prefix, off.x, off.y}));
    });
    EccPublicKey zero = one.key;
    zero.x.assign(zero.x.size(), 0);
    zero.y.assign(zero.y.size(), 0);
    ExpectError(ErrorCode::kInvalidArgument, [&] { EncodeSpki(zero); });
    EccPublicKey above_field = one.key;
    above_field.x.assign(above_field.x.size(), 0xff);
    ExpectError(ErrorCode::kInvalidArgument, [&] { EncodeSpki(above_field); });
    EccPublicKey too_long = one.key;
    too_long.x.insert(too_long.x.begin(), 0);
    ExpectError(ErrorCode::kInvalidArgument, [&] { EncodeSpki(too_long); });
    EccPublicKey empty = one.key;
    empty.y.clear();
    ExpectError(ErrorCode::kInvalidArgument, [&] { EncodeSpki(empty); });
  }
  // The point at infinity, which is encoded as one zero octet.
  ExpectError(ErrorCode::kInvalidArgument,
              [] { DecodeSpki(Hex("3019301306072a8648ce3d020106082a8648ce3d030107030200 00")); });
}

TEST(CryptoSpki, AcceptsACompressedPoint) {
  const EccVector one = Rfc6979Keys()[0];
  const Buffer compressed =
      Join({Hex("3039301306072a8648ce3d020106082a8648ce3d030107032200"),
            Buffer{static_cast<uint8_t>(2 + (one.key.y.back() & 1))}, one.key.x});
  EXPECT_EQ(Ecc(DecodeSpki(compressed)).y, one.key.y);
}

TEST(CryptoSpki, RefusesBadRsaNumbers) {
  const RsaPublicKey good{.modulus = Buffer(256, 0xc3), .exponent = 65537};
  ASSERT_NO_THROW(EncodeSpki(good));
  for (uint32_t exponent : {0u, 1u, 2u, 65536u}) {
    RsaPublicKey bad = good;
    bad.exponent = exponent;
    ExpectError(ErrorCode::kInvalidArgument, [&] { EncodeSpki(bad); });
  }
  RsaPublicKey even = good;
  even.modulus.back() = 0xc2;
  ExpectError(ErrorCode::kInvalidArgument, [&] { EncodeSpki(even); });
  RsaPublicKey padded = good;
  padded.modulus.front() = 0;
  ExpectError(ErrorCode::kInvalidArgument, [&] { EncodeSpki(padded); });
  ExpectError(ErrorCode::kInvalidArgument, [] { EncodeSpki(RsaPublicKey{}); });
  for (size_t size : {64, 127, 513, 2048}) {
    ExpectError(ErrorCode::kNotSupported,
                [&] { EncodeSpki(RsaPublicKey{.modulus = Buffer(size, 0xc3)}); });
  }
}

TEST(CryptoSpki, RefusesOtherCurvesAndKindsOfKey) {
  EccPublicKey key = Rfc6979Keys()[0].key;
  key.curve = EccCurve::kBnP256;
  ExpectError(ErrorCode::kNotSupported, [&] { EncodeSpki(key); });
  key.curve = EccCurve::kNone;
  ExpectError(ErrorCode::kNotSupported, [&] { EncodeSpki(key); });
  // RFC 8410, section 10.1: an Ed25519 key. A libcrypto built without it cannot even parse it.
  try {
    DecodeSpki(
        Hex("302a300506032b657003210019bf44096984cdfe8541bac167dc3b96c85086aa30b6b6cb0c5c"
            "38ad703166e1"));
    ADD_FAILURE() << "an Ed25519 key was taken";
  } catch (const Error& error) {
    EXPECT_TRUE(error.code == ErrorCode::kNotSupported ||
                error.code == ErrorCode::kInvalidArgument);
  }
}

TEST(CryptoSpki, EveryPrefixAndTrailingOctetsAreRefused) {
  const Buffer ecc = EncodeSpki(Rfc6979Keys()[0].key);
  const Buffer rsa = EncodeSpki(RsaPublicKey{.modulus = Buffer(128, 0xc3)});
  for (const Buffer& spki : {ecc, rsa}) {
    for (size_t size = 0; size < spki.size(); ++size) {
      const ByteView prefix = ByteView(spki).first(size);
      ExpectError(ErrorCode::kInvalidArgument, [&] { DecodeSpki(prefix); });
      ExpectError(ErrorCode::kInvalidArgument, [&] { DecodePublicKey(prefix); });
    }
    const Buffer longer = Join({spki, {0}});
    ExpectError(ErrorCode::kInvalidArgument, [&] { DecodeSpki(longer); });
    ExpectError(ErrorCode::kInvalidArgument, [&] { DecodePublicKey(longer); });
  }
}

TEST(CryptoSpki, ChangedOctetsNeverGiveAnotherError) {
  for (const Buffer& spki :
       {EncodeSpki(Rfc6979Keys()[0].key), EncodeSpki(RsaPublicKey{.modulus = Buffer(128, 0xc3)})}) {
    for (size_t i = 0; i < spki.size(); ++i) {
      for (uint8_t change : {0x01, 0x80, 0xff}) {
        Buffer bad = spki;
        bad[i] ^= change;
        try {
          EncodeSpki(DecodeSpki(bad));  // what was accepted can be encoded again
        } catch (const Error& error) {
          EXPECT_TRUE(error.code == ErrorCode::kInvalidArgument ||
                      error.code == ErrorCode::kNotSupported)
              << i << ": " << error.message;
        }
      }
    }
  }
}

std::string Pem(const Buffer& der, const char* name) {
  const std::unique_ptr<BIO, decltype(&BIO_free_all)> bio(BIO_new(BIO_s_mem()), BIO_free_all);
  PEM_write_bio(bio.get(), name, "", der.data(), static_cast<long>(der.size()));
  char* text = nullptr;
  const long size = BIO_get_mem_data(bio.get(), &text);
  return {text, static_cast<size_t>(size)};
}

Buffer SelfSigned(EVP_PKEY* key) {
  const std::unique_ptr<X509, decltype(&X509_free)> certificate(X509_new(), X509_free);
  ASN1_INTEGER_set(X509_get_serialNumber(certificate.get()), 7);
  X509_gmtime_adj(X509_getm_notBefore(certificate.get()), 0);
  X509_gmtime_adj(X509_getm_notAfter(certificate.get()), 3600);
  X509_set_pubkey(certificate.get(), key);
  X509_sign(certificate.get(), key, EVP_sha256());
  uint8_t* der = nullptr;
  const int size = i2d_X509(certificate.get(), &der);
  Buffer out(der, der + size);
  OPENSSL_free(der);
  return out;
}

TEST(CryptoDecodePublicKey, TakesSpkiAndCertificatesInDerAndPem) {
  const SoftwareRsa rsa = MakeRsa(1024);
  const Buffer spki = EncodeSpki(rsa.public_key);
  const Buffer certificate = SelfSigned(rsa.key.get());
  const std::string key_pem = Pem(spki, "PUBLIC KEY");
  const std::string certificate_pem = Pem(certificate, "CERTIFICATE");
  for (const Buffer& encoded :
       {spki, certificate, Text(key_pem), Text(certificate_pem), Text("subject=x\n" + key_pem),
        Text(certificate_pem + Pem(Buffer(40, 1), "CERTIFICATE")),
        Text("0 text that begins like a SEQUENCE\n" + certificate_pem)}) {
    EXPECT_EQ(Rsa(DecodePublicKey(encoded)).modulus, rsa.public_key.modulus);
  }
  const EccPublicKey ecc = Rfc6979Keys()[1].key;
  EXPECT_EQ(Ecc(DecodePublicKey(Text(Pem(EncodeSpki(ecc), "PUBLIC KEY")))).x, ecc.x);
}

TEST(CryptoDecodePublicKey, RefusesEverythingElse) {
  const SoftwareRsa rsa = MakeRsa(1024);
  const Buffer spki = EncodeSpki(rsa.public_key);
  const Buffer certificate = SelfSigned(rsa.key.get());
  const std::string pem = Pem(spki, "PUBLIC KEY");
  const std::vector<Buffer> bad = {
      {},
      Text("no key"),
      Text("-----BEGIN PUBLIC KEY-----"),
      Text(pem.substr(0, pem.size() / 2)),
      Text(Pem(rsa.pkcs1, "RSA PRIVATE KEY")),
      rsa.pkcs1,
      Text(Pem(spki, "CERTIFICATE")),
      Text(Pem(certificate, "PUBLIC KEY")),
      Text(Pem(Join({spki, {0}}), "PUBLIC KEY")),
      Join({certificate, {0}}),
      Buffer(2 << 20, 0x30),
  };
  for (size_t i = 0; i < bad.size(); ++i) {
    SCOPED_TRACE(i);
    ExpectError(ErrorCode::kInvalidArgument, [&] { DecodePublicKey(bad[i]); });
  }
  for (size_t size = 0; size < certificate.size(); ++size) {
    ExpectError(ErrorCode::kInvalidArgument,
                [&] { DecodePublicKey(ByteView(certificate).first(size)); });
  }
}

}  // namespace
}  // namespace tpm2::crypto

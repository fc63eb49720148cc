// verifyQuote on quotes that a software key signs, and on every mutilation of them.
#include <functional>

#include "verifier_support.h"

namespace tpm2 {
namespace {

std::string HexText(const Buffer& bytes) {
  std::string text;
  for (uint8_t octet : bytes) {
    text += "0123456789abcdef"[octet >> 4];
    text += "0123456789abcdef"[octet & 15];
  }
  return text;
}
std::vector<PcrValue> QuotedValues() {
  return {
      {"sha1", 16, HexText(kPcr16)}, {"sha256", 7, HexText(kPcr7)}, {"sha256", 0, HexText(kPcr0)}};
}

op::VerifyQuote Request(const SoftwareAk& ak, const Attest& attest) {
  op::VerifyQuote request;
  request.message = ToBytes(attest);
  request.signature = ak.SignTpmt(request.message);
  request.signer.ak_public = ak.PublicBytes();
  request.qualifying_data = attest.extra_data.octets();
  request.pcrs = QuotedValues();
  return request;
}

// "magic+ type+ signature- nonce? ...": + passed, - failed, ? not checked.
std::string Summary(const std::vector<op::CheckRecord>& checks) {
  std::string text;
  for (const op::CheckRecord& check : checks) {
    if (!text.empty()) text += ' ';
    text += check.name + (!check.ok ? "?" : *check.ok ? "+" : "-");
    EXPECT_TRUE(check.ok.value_or(false) || check.reason) << check.name;
  }
  return text;
}
std::string Summary(const op::VerifyQuote& request) {
  const op::QuoteVerdict verdict = Perform(request);
  const std::string text = Summary(verdict.checks);
  EXPECT_EQ(verdict.ok, text.find('-') == std::string::npos);
  return text;
}
std::string ReasonOf(const op::QuoteVerdict& verdict, const char* name) {
  for (const op::CheckRecord& check : verdict.checks) {
    if (check.name == name) return check.reason.value_or("");
  }
  return "no such check";
}

constexpr char kAllPassed[] =
    "magic+ type+ signature+ nonce+ pcrs+ restricted+ fixedTPM+ rollback?";

TEST(VerifyQuote, PassesWithEveryFormOfSignatureAndKey) {
  const SoftwareAk ak;
  op::VerifyQuote request = Request(ak, QuoteAttest());
  EXPECT_EQ(Summary(request), kAllPassed);
  for (const Buffer& signature : {ak.SignRaw(request.message), ak.SignDer(request.message)}) {
    request.signature = signature;
    EXPECT_EQ(Summary(request), kAllPassed);
  }
  request.signer.ak_public_key = ak.Spki();
  EXPECT_EQ(Summary(request), kAllPassed);
  request.signer.ak_public = ToBytes(ak.area);
  EXPECT_EQ(Summary(request), kAllPassed);
  request.signer.ak_public.reset();
  request.pcrs.reset();
  EXPECT_EQ(Summary(request),
            "magic+ type+ signature+ nonce+ pcrs? restricted? fixedTPM? rollback?");

  const op::QuoteVerdict verdict = Perform(request);
  ASSERT_TRUE(verdict.attest && verdict.attest->quote);
  EXPECT_EQ(verdict.attest->type, "quote");
  EXPECT_EQ(verdict.attest->firmware_version, "0xfedcba9876543210");
  EXPECT_EQ(verdict.attest->clock_info.clock, 5000u);
  const op::PcrIndices selected = {{"sha1", {16}}, {"sha256", {0, 7}}};
  EXPECT_EQ(verdict.attest->quote->pcr_select, selected);
}

TEST(VerifyQuote, ChecksRsaInBothSchemes) {
  const crypto::SoftwareRsa rsa = crypto::MakeRsa(2048);
  op::VerifyQuote request;
  const Attest attest = QuoteAttest();
  request.message = ToBytes(attest);
  request.qualifying_data = Text("nonce");
  request.signer.ak_public_key = crypto::EncodeSpki(rsa.public_key);
  for (const bool pss : {false, true}) {
    const std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> context(EVP_MD_CTX_new(),
                                                                          EVP_MD_CTX_free);
    EVP_PKEY_CTX* options = nullptr;
    EVP_DigestSignInit(context.get(), &options, EVP_sha256(), nullptr, rsa.key.get());
    if (pss) EVP_PKEY_CTX_set_rsa_padding(options, RSA_PKCS1_PSS_PADDING);
    Buffer raw(256);
    size_t size = raw.size();
    ASSERT_EQ(EVP_DigestSign(context.get(), raw.data(), &size, request.message.data(),
                             request.message.size()),
              1);
    const AlgId scheme = pss ? AlgId::kRsaPss : AlgId::kRsaSsa;
    const Buffer tpmt = Join({{0, static_cast<uint8_t>(scheme), 0, 0x0b}, Sized16(raw)});
    request.signer.scheme.reset();
    request.signature = tpmt;
    EXPECT_TRUE(Perform(request).ok);
    request.signature = raw;  // RSASSA is what raw octets are taken for
    EXPECT_EQ(Perform(request).ok, !pss);
    request.signer.scheme = pss ? "rsapss" : "rsassa";
    EXPECT_TRUE(Perform(request).ok);
    request.signature = tpmt;
    request.signer.scheme = pss ? "rsassa" : "rsapss";
    const op::QuoteVerdict verdict = Perform(request);
    EXPECT_FALSE(verdict.ok);
    EXPECT_NE(ReasonOf(verdict, "signature").find("the caller says"), std::string::npos);
  }
}

TEST(VerifyQuote, FailsForEveryFlippedBit) {
  const SoftwareAk ak;
  const op::VerifyQuote good = Request(ak, QuoteAttest());
  // Without anything but the signature to notice it.
  op::VerifyQuote bare = good;
  bare.pcrs.reset();
  bare.signer.ak_public.reset();
  bare.signer.ak_public_key = ak.Spki();
  for (const op::VerifyQuote& request : {good, bare}) {
    for (const Buffer& signature :
         {request.signature, ak.SignRaw(request.message), ak.SignDer(request.message)}) {
      op::VerifyQuote changed = request;
      changed.signature = signature;
      ASSERT_TRUE(Perform(changed).ok);
      for (size_t bit = 0; bit < signature.size() * 8; bit += 3) {
        changed.signature[bit / 8] ^= static_cast<uint8_t>(1u << bit % 8);
        EXPECT_FALSE(Perform(changed).ok) << "signature, bit " << bit;
        changed.signature = signature;
      }
    }
    op::VerifyQuote changed = request;
    for (size_t bit = 0; bit < request.message.size() * 8; bit += 3) {
      changed.message[bit / 8] ^= static_cast<uint8_t>(1u << bit % 8);
      EXPECT_FALSE(Perform(changed).ok) << "message, bit " << bit;
      changed.message = request.message;
    }
  }
}

TEST(VerifyQuote, FailsForEveryPrefixAndForMore) {
  const SoftwareAk ak;
  const op::VerifyQuote good = Request(ak, QuoteAttest());
  op::VerifyQuote request = good;
  for (size_t size = 0; size < good.message.size(); ++size) {
    // Signed as it is, so that only its form is wrong.
    request.message = Prefix(good.message, size);
    request.signature = ak.SignTpmt(request.message);
    const op::QuoteVerdict verdict = Perform(request);
    EXPECT_FALSE(verdict.ok);
    EXPECT_FALSE(verdict.attest) << size;
    EXPECT_EQ(Summary(verdict.checks),
              std::string(size < 4 ? "magic-" : "magic+") +
                  " type- signature+ nonce- pcrs- restricted+ fixedTPM+ rollback?");
  }
  request.message = Join({good.message, {0}});
  request.signature = ak.SignTpmt(request.message);
  EXPECT_FALSE(Perform(request).ok);
  // Nobody's megabytes are hashed: no statement of a TPM's is as long.
  request.message.resize(4096);
  request.signature = ak.SignTpmt(request.message);
  EXPECT_EQ(Summary(request),
            "magic+ type- signature- nonce- pcrs- restricted+ fixedTPM+ rollback?");
  request.message.resize(4095);
  request.signature = ak.SignTpmt(request.message);
  EXPECT_EQ(Summary(request),
            "magic+ type- signature+ nonce- pcrs- restricted+ fixedTPM+ rollback?");
  request.message = good.message;
  for (size_t size = 0; size < good.signature.size(); ++size) {
    request.signature = Prefix(good.signature, size);
    EXPECT_EQ(Summary(request),
              "magic+ type+ signature- nonce+ pcrs+ restricted+ fixedTPM+ rollback?");
  }
}

TEST(VerifyQuote, TellsWhatIsWrong) {
  const SoftwareAk ak;
  const SoftwareAk other;
  const Attest attest = QuoteAttest();
  const op::VerifyQuote good = Request(ak, attest);

  op::VerifyQuote request = good;
  request.qualifying_data = Text("Nonce");
  EXPECT_EQ(Summary(request),
            "magic+ type+ signature+ nonce- pcrs+ restricted+ fixedTPM+ rollback?");

  request = good;
  request.signer.ak_public_key = other.Spki();  // two keys
  EXPECT_EQ(Summary(request),
            "magic+ type+ signature- nonce+ pcrs+ restricted+ fixedTPM+ rollback?");

  Attest changed = attest;
  changed.magic ^= 1;
  request = Request(ak, changed);
  EXPECT_EQ(Summary(request),
            "magic- type+ signature+ nonce+ pcrs+ restricted+ fixedTPM+ rollback?");

  changed = attest;
  changed.type = StructureTag::kAttestCertify;
  changed.attested.emplace<StructureTag::kAttestCertify>();
  request = Request(ak, changed);
  EXPECT_EQ(Summary(request),
            "magic+ type- signature+ nonce+ pcrs- restricted+ fixedTPM+ rollback?");
  EXPECT_EQ(Perform(request).attest->type, "certify");
}

TEST(VerifyQuote, RefusesKeysThatCanForge) {
  using A = ObjectAttributes;
  const std::pair<A, const char*> kCases[] = {
      {kAkAttributes & ~A::kRestricted, "restricted- fixedTPM+"},
      {kAkAttributes & ~A::kSign, "restricted- fixedTPM+"},
      {kAkAttributes | A::kDecrypt, "restricted- fixedTPM+"},
      {kAkAttributes & ~A::kFixedTpm, "restricted+ fixedTPM-"},
      {kAkAttributes & ~A::kSensitiveDataOrigin, "restricted+ fixedTPM-"}};
  for (const auto& [attributes, expected] : kCases) {
    const SoftwareAk ak(attributes);
    EXPECT_EQ(Summary(Request(ak, QuoteAttest())),
              "magic+ type+ signature+ nonce+ pcrs+ " + std::string(expected) + " rollback?");
  }
}

TEST(VerifyQuote, ComparesPcrs) {
  const SoftwareAk ak;
  op::VerifyQuote request = Request(ak, QuoteAttest());
  const std::vector<PcrValue> values = *request.pcrs;
  const auto reason = [&](std::vector<PcrValue> given) {
    request.pcrs = std::move(given);
    const op::QuoteVerdict verdict = Perform(request);
    EXPECT_FALSE(verdict.ok);
    return ReasonOf(verdict, "pcrs");
  };
  EXPECT_EQ(reason({values[0], values[1]}), "sha256:0 was quoted but not given");
  std::vector<PcrValue> more = values;
  more.push_back({"sha256", 23, std::string(64, '0')});
  EXPECT_EQ(reason(more), "sha256:23 was given but not quoted");
  std::vector<PcrValue> other = values;
  other[1].digest[63] ^= 1;
  EXPECT_EQ(reason(other), "the values are not those whose digest was signed");
  EXPECT_EQ(reason({}), "sha256:0 was quoted but not given");

  const std::vector<PcrValue> kBad = {
      {"md5", 0, ""}, {"sha256", 0, std::string(62, '0')}, {"sha256", 0, std::string(64, 'g')}};
  for (const PcrValue& bad : kBad) {
    request.pcrs = {bad};
    ExpectError(ErrorCode::kInvalidArgument, [&] { Perform(request); });
  }
  request.pcrs = {values[0], values[0]};
  ExpectError(ErrorCode::kInvalidArgument, [&] { Perform(request); });
}

TEST(VerifyQuote, TakesSha1OnlyWhereSomebodySaysSo) {
  const SoftwareAk open(kAkAttributes, Scheme::Null());
  const Attest attest = QuoteAttest(AlgId::kSha1);
  op::VerifyQuote request = Request(open, attest);
  request.signature =
      crypto::EcdsaDerToP1363(EccCurve::kNistP256, open.SignDer(request.message, EVP_sha1()));
  EXPECT_FALSE(Perform(request).ok);
  request.signer.hash = "sha1";
  EXPECT_TRUE(Perform(request).ok);
  EXPECT_NE(ReasonOf(Perform(request), "signature").find("the caller"), std::string::npos);
  request.signer.hash.reset();
  request.signature = open.SignTpmt(request.message, EVP_sha1(), AlgId::kSha1);
  EXPECT_TRUE(Perform(request).ok);
  EXPECT_NE(ReasonOf(Perform(request), "signature").find("the signature"), std::string::npos);
  request.signer.hash = "sha256";
  EXPECT_FALSE(Perform(request).ok);

  const SoftwareAk fixed(kAkAttributes, Scheme::Ecdsa(AlgId::kSha1));
  request = Request(fixed, attest);
  request.signature = fixed.SignDer(request.message, EVP_sha1());
  EXPECT_TRUE(Perform(request).ok);
  EXPECT_NE(ReasonOf(Perform(request), "signature").find("public area"), std::string::npos);
}

op::PreviousQuote Before(const Attest& attest) {
  return {attest.qualified_signer.octets(),
          {attest.clock_info.clock, attest.clock_info.reset_count, attest.clock_info.restart_count,
           attest.clock_info.safe},
          "0xfedcba9876543210"};
}

TEST(VerifyQuote, NoticesRollback) {
  const SoftwareAk ak;
  const Attest now = QuoteAttest();
  op::VerifyQuote request = Request(ak, now);
  const auto reason = [&](const std::function<void(op::PreviousQuote&)>& change) {
    request.previous = Before(now);
    change(*request.previous);
    const op::QuoteVerdict verdict = Perform(request);
    const std::string text = ReasonOf(verdict, "rollback");
    EXPECT_EQ(verdict.ok, text.empty());
    return text;
  };
  EXPECT_EQ(reason([](op::PreviousQuote&) {}), "");
  EXPECT_EQ(reason([](op::PreviousQuote& p) { p.clock_info.clock = 4999; }), "");
  EXPECT_EQ(reason([](op::PreviousQuote& p) { p.clock_info.clock = 5001; }), "the clock went back");
  EXPECT_EQ(reason([](op::PreviousQuote& p) { p.clock_info.reset_count = 8; }),
            "resetCount went back");
  EXPECT_EQ(reason([](op::PreviousQuote& p) { p.clock_info.restart_count = 4; }),
            "restartCount went back");
  // After a reset restartCount starts anew.
  EXPECT_EQ(reason([](op::PreviousQuote& p) { p.clock_info = {4000, 6, 9, true}; }), "");
  // The counters carry an offset: they wrap.
  EXPECT_EQ(reason([](op::PreviousQuote& p) { p.clock_info.reset_count = 0xfffffffe; }), "");
  EXPECT_EQ(reason([](op::PreviousQuote& p) { p.clock_info.reset_count = 0x80000007; }),
            "resetCount went back");
  EXPECT_EQ(reason([](op::PreviousQuote& p) { p.firmware_version.back() = '1'; }),
            "the firmware version has changed");
  EXPECT_EQ(reason([](op::PreviousQuote& p) { p.qualified_signer[0] ^= 1; }),
            "the previous quote is by another key");

  // A clock that says that it may lag does, after a reset.
  Attest unsafe = now;
  unsafe.clock_info.safe = false;
  request = Request(ak, unsafe);
  EXPECT_EQ(reason([](op::PreviousQuote& p) { p.clock_info = {5001, 6, 3, true}; }), "");
  EXPECT_EQ(reason([](op::PreviousQuote& p) {
              p.clock_info = {5001, 7, 3, true};
            }),
            "the clock went back");
}

TEST(VerifyQuote, ThrowsForBadArguments) {
  const SoftwareAk ak;
  const op::VerifyQuote good = Request(ak, QuoteAttest());
  const auto expect_refusal = [&](const std::function<void(op::SignerRecord&)>& change) {
    op::VerifyQuote request = good;
    change(request.signer);
    ExpectError(ErrorCode::kInvalidArgument, [&] { Perform(request); });
  };
  expect_refusal([](op::SignerRecord& s) { s.ak_public.reset(); });
  expect_refusal([](op::SignerRecord& s) { s.ak_public = Buffer(); });
  expect_refusal([](op::SignerRecord& s) { s.ak_public->pop_back(); });
  expect_refusal([](op::SignerRecord& s) { s.ak_public->back() ^= 1; });  // off the curve
  expect_refusal([](op::SignerRecord& s) { s.ak_public_key = Text("no key"); });
  expect_refusal([](op::SignerRecord& s) { s.ak_public_key = Buffer(); });
  expect_refusal([](op::SignerRecord& s) { s.hash = "md5"; });
  expect_refusal([](op::SignerRecord& s) { s.scheme = "rsa"; });
}

}  // namespace
}  // namespace tpm2

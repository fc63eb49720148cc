// Response codes and names against tpm2-tss: its text decoder (the library behind
// tpm2_rc_decode, loaded at run time) and its headers. Skipped where they are not installed.
#include <dlfcn.h>
#include <gtest/gtest.h>

#include <cctype>
#include <cstdlib>
#include <fstream>
#include <map>
#include <regex>
#include <set>
#include <string>

#include "codec/names.h"
#include "codec/response_code_table.h"
#include "tpm2/response_code.h"

namespace tpm2 {
namespace {

// Newer than the tpm2-tss releases that are about, or reserved: it may lack a text for these.
const std::set<uint32_t> kNotInEveryTss = {0x0a8, 0x0a9, 0x0aa, 0x0ab, 0x0ac,
                                           0x0ad, 0x0b0, 0x0b1, 0x156, 0x97f};

// What tpm2-tss says, e.g. "tpm:session(1):authorization failure without DA implications".
struct TssText {
  std::string layer;    // "tpm", "rmt", "tcti"
  std::string subject;  // "session(1)", "error(2.0)"; empty when it knows only the number
  std::string text;     // empty when it has none
};

class TssDecoder : public ::testing::Test {
 protected:
  void SetUp() override {
    static void* const library = dlopen("libtss2-rc.so.0", RTLD_NOW | RTLD_LOCAL);
    if (!library) GTEST_SKIP() << "libtss2-rc.so.0 is not installed (Debian: libtss2-rc0)";
    decode_ = reinterpret_cast<const char* (*)(uint32_t)>(dlsym(library, "Tss2_RC_Decode"));
    ASSERT_NE(decode_, nullptr);
  }

  TssText Decode(uint32_t rc) const {
    const std::string whole = decode_(rc);
    TssText out;
    const size_t layer_end = whole.find(':');
    out.layer = whole.substr(0, layer_end);
    if (layer_end == std::string::npos) return out;
    const std::string rest = whole.substr(layer_end + 1);
    const size_t subject_end = rest.find(':');
    if (subject_end == std::string::npos) {
      out.text = rest;  // a TCTI's code has no subject
      return out;
    }
    out.subject = rest.substr(0, subject_end);
    out.text = rest.substr(rest.find_first_not_of(' ', subject_end + 1));
    for (const char* none : {"(null)", "unknown ", "Vendor specific"}) {
      if (out.text.starts_with(none)) out.text.clear();
    }
    return out;
  }

  // Texts of the codes without subject, the other way round.
  std::map<std::string, std::set<uint32_t>> BasesByText() const {
    std::map<std::string, std::set<uint32_t>> bases;
    for (uint32_t rc = 0x080; rc < 0x980; ++rc) {
      const bool format_one_base = rc < 0x0c0;
      const bool format_zero = !(rc & 0x080) && (rc >> 8 == 1 || rc >> 8 == 9);
      if (!format_one_base && !format_zero) continue;
      const TssText said = Decode(rc);
      if (!said.subject.empty() && !said.text.empty()) bases[said.text].insert(rc);
    }
    return bases;
  }

 private:
  const char* (*decode_)(uint32_t) = nullptr;
};

std::string Subject(RcSubject subject, unsigned number) {
  const std::string suffix = number == 0 ? "(unk)" : "(" + std::to_string(number) + ")";
  switch (subject) {
    case RcSubject::kParameter:
      return "parameter" + suffix;
    case RcSubject::kHandle:
      return "handle" + suffix;
    case RcSubject::kSession:
      return "session" + suffix;
    case RcSubject::kNone:
      break;
  }
  return "";
}

// tpm2-tss names the place of a REFERENCE_ code in its text only.
std::string Ordinal(unsigned number) {
  const char* const endings[] = {"th", "st", "nd", "rd"};
  return std::to_string(number) + endings[number <= 3 ? number : 0];
}

bool IsReference(uint32_t base) { return base >= 0x910 && base <= 0x91e; }

TEST_F(TssDecoder, HasOneTextACode) {
  const auto bases = BasesByText();
  ASSERT_GT(bases.size(), 90u);  // else the comparison below compares nothing
  for (const auto& [text, codes] : bases) {
    if (text == "not currently used") continue;
    EXPECT_EQ(codes.size(), 1u) << text;
  }
}

TEST_F(TssDecoder, MeansTheSameCodeAndSubject) {
  const auto bases = BasesByText();
  unsigned compared = 0;
  for (uint32_t rc = 1; rc <= 0xfff; ++rc) {
    const bool reserved_bit_nine = !(rc & 0x080) && (rc & 0x200);  // tpm2-tss ignores it
    if (reserved_bit_nine) continue;
    SCOPED_TRACE(rc);
    const TssText theirs = Decode(rc);
    const DecodedRc ours = DecodeResponseCode(rc);
    const bool they_know = !theirs.subject.empty() && !theirs.text.empty();
    if (!they_know) {
      const bool may_know = kNotInEveryTss.contains(ours.base) || rc == 0x01e;
      EXPECT_TRUE(ours.name == "TPM_RC_UNKNOWN" || may_know) << ours.name;
      continue;
    }
    ++compared;
    ASSERT_TRUE(bases.contains(theirs.text)) << theirs.text;
    EXPECT_TRUE(bases.at(theirs.text).contains(ours.base)) << ours.name << ": " << theirs.text;
    EXPECT_NE(ours.name, "TPM_RC_UNKNOWN") << theirs.text;
    if (IsReference(ours.base)) {
      const char* const what = ours.subject == RcSubject::kSession ? "session" : "handle";
      EXPECT_TRUE(theirs.text.find(Ordinal(ours.number)) != std::string::npos) << theirs.text;
      EXPECT_TRUE(theirs.text.find(what) != std::string::npos) << theirs.text;
    } else if (!(rc & 0x080)) {
      EXPECT_EQ(theirs.subject, rc & 0x800 ? "warn(2.0)" : "error(2.0)");
      EXPECT_EQ(ours.subject, RcSubject::kNone);
    } else if (ours.subject == RcSubject::kNone) {
      EXPECT_TRUE(theirs.subject.ends_with("(unk)")) << theirs.subject;
    } else {
      // tpm2-tss 3.2 drops the top bit of a parameter's number; the header test has those.
      const bool folded = theirs.subject == Subject(ours.subject, ours.number & 7);
      EXPECT_TRUE(theirs.subject == Subject(ours.subject, ours.number) ||
                  (ours.number > 7 && folded))
          << theirs.subject;
    }
  }
  EXPECT_GT(compared, 1000u);
}

TEST_F(TssDecoder, SeesTheSameBehindAResourceManager) {
  for (uint32_t rc = 0x080; rc <= 0xfff; ++rc) {
    if (!(rc & 0x180)) continue;  // 1.2 codes there are the resource manager's own
    const TssText theirs = Decode(0x000b0000 | rc);
    ASSERT_EQ(theirs.layer, "rmt");
    ASSERT_EQ(theirs.text, Decode(rc).text);
    ASSERT_EQ(theirs.subject, Decode(rc).subject);
    ASSERT_EQ(DecodeResponseCode(0x000b0000 | rc).name, DecodeResponseCode(rc).name) << rc;
    ASSERT_EQ(DecodeResponseCode(0x000b0000 | rc).base, DecodeResponseCode(rc).base) << rc;
  }
}

TEST_F(TssDecoder, CallsTheTctiLayerTheSame) {
  for (const RcRow& row : TssBaseRows()) {
    const TssText theirs = Decode(0x000a0000 | row.value);
    EXPECT_EQ(theirs.layer, "tcti") << row.name;
    EXPECT_FALSE(theirs.text.starts_with("0x")) << row.name << " has no text there";
  }
}

// The defines of a tpm2-tss header with the cast `type`, without their prefix. An initializer is
// a number, or one symbol plus a number.
class TssHeader : public ::testing::Test {
 protected:
  using Constants = std::map<std::string, uint32_t>;

  static std::ifstream Open(const char* name) {
    return std::ifstream(std::string("/usr/include/tss2/") + name);
  }

  void SetUp() override {
    std::ifstream in = Open("tss2_tpm2_types.h");
    if (!in) GTEST_SKIP() << "tpm2-tss headers are not installed (Debian: libtss2-dev)";
    const std::regex define(R"(#define\s+TPM2_(\w+)\s+\(\((TPM2_\w+)\)\s*(.*))");
    const std::regex number(R"(^\s*(0[xX][0-9a-fA-F]+|\d+)\))");
    const std::regex sum(R"(^\s*\(TPM2_(\w+)\s*([+*])\s*(0[xX][0-9a-fA-F]+|\d+)\)\))");
    for (std::string line; std::getline(in, line);) {
      std::smatch m, value;
      if (!std::regex_search(line, m, define)) continue;
      const std::string name = m[1], type = m[2], initializer = m[3];
      if (std::regex_search(initializer, value, number)) {
        values_[name] = ToNumber(value[1]);
      } else if (std::regex_search(initializer, value, sum) && values_.contains(value[1])) {
        const uint32_t left = values_[value[1]], right = ToNumber(value[3]);
        values_[name] = value[2] == "+" ? left + right : left * right;
      } else {
        continue;
      }
      by_type_[type][name] = values_[name];
    }
  }

  // E.g. Of("TPM2_RC", "RC_"): {"VALUE", 0x84}, ...
  Constants Of(const std::string& type, const std::string& prefix) const {
    Constants out;
    const auto found = by_type_.find(type);
    if (found == by_type_.end()) return out;
    for (const auto& [name, value] : found->second) {
      if (name.starts_with(prefix)) out[name.substr(prefix.size())] = value;
    }
    return out;
  }

  static uint32_t ToNumber(const std::string& text) {
    return static_cast<uint32_t>(std::strtoul(text.c_str(), nullptr, 0));
  }

 private:
  Constants values_;
  std::map<std::string, Constants> by_type_;
};

TEST_F(TssHeader, NamesResponseCodesAlike) {
  const std::set<std::string> no_codes = {"VER1", "MAX_FM0", "FMT1", "WARN",
                                          "H",    "P",       "S",    "N_MASK"};
  unsigned compared = 0;
  for (const auto& [name, value] : Of("TPM2_RC", "RC_")) {
    if (no_codes.contains(name) || name.size() == 1) continue;  // TPM2_RC_1 .. F are subjects
    EXPECT_EQ(DecodeResponseCode(value).name, "TPM_RC_" + name);
    EXPECT_EQ(DecodeResponseCode(value).base, value) << name;
    ++compared;
  }
  EXPECT_GT(compared, 95u);
}

TEST_F(TssHeader, NumbersSubjectsAlike) {
  const Constants theirs = Of("TPM2_RC", "RC_");
  const auto expect = [&](const char* kind, RcSubject subject, unsigned last) {
    for (unsigned n = 1; n <= last; ++n) {
      const std::string digit(1, "0123456789ABCDEF"[n]);
      const uint32_t rc = theirs.at("VALUE") + theirs.at(kind) + theirs.at(digit);
      const DecodedRc ours = DecodeResponseCode(rc);
      EXPECT_EQ(ours.base, theirs.at("VALUE"));
      EXPECT_EQ(ours.subject, subject) << kind << digit;
      EXPECT_EQ(ours.number, n) << kind << digit;
    }
  };
  expect("P", RcSubject::kParameter, 15);
  expect("H", RcSubject::kHandle, 7);
  expect("S", RcSubject::kSession, 7);
}

TEST_F(TssHeader, NamesCommandsAlike) {
  const Constants theirs = Of("TPM2_CC", "CC_");
  EXPECT_GT(theirs.size(), 110u);
  for (const auto& [name, value] : theirs) {
    if (name == "LAST" || value >= 0x20000000) continue;  // vendors' commands are not named
    EXPECT_EQ(CommandName(static_cast<CommandCode>(value)), "TPM2_" + name);
  }
}

TEST_F(TssHeader, NamesPropertiesAlike) {
  const Constants theirs = Of("TPM2_PT", "PT_");
  EXPECT_GT(theirs.size(), 65u);
  for (const auto& [name, value] : theirs) {
    if (name == "NONE" || name == "GROUP" || name == "FIXED" || name == "VAR") continue;
    EXPECT_EQ(PropertyName(value), "TPM_PT_" + name);
  }
}

TEST_F(TssHeader, NamesAlgorithmsAlike) {
  const Constants theirs = Of("TPM2_ALG_ID", "ALG_");
  EXPECT_GT(theirs.size(), 38u);
  for (const auto& [name, value] : theirs) {
    if (name == "FIRST" || name == "LAST" || name == "SHA" || name == "ERROR") continue;
    std::string lower = name;
    for (char& c : lower) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    EXPECT_EQ(AlgorithmName(static_cast<AlgId>(value)), lower);
  }
}

TEST_F(TssHeader, NamesCurvesAlike) {
  const Constants theirs = Of("TPM2_ECC_CURVE", "ECC_");
  EXPECT_GT(theirs.size(), 8u);
  for (const auto& [name, value] : theirs) {
    const std::string ours(CurveName(static_cast<EccCurve>(value)));
    if (name.starts_with("NIST_P")) {
      EXPECT_EQ(ours, "P-" + name.substr(6));
    } else {
      EXPECT_EQ(ours, name == "NONE" ? "" : name);
    }
  }
}

TEST_F(TssHeader, NamesBaseCodesAlike) {
  std::ifstream in = Open("tss2_common.h");
  ASSERT_TRUE(in);
  const std::regex define(R"(#define (TSS2_BASE_RC_\w+)\s+(\d+)U)");
  std::map<uint32_t, std::string> theirs;
  for (std::string line; std::getline(in, line);) {
    std::smatch m;
    if (std::regex_search(line, m, define)) theirs[ToNumber(m[2])] = m[1];
  }
  for (const RcRow& row : TssBaseRows()) EXPECT_EQ(theirs[row.value], row.name);
}

}  // namespace
}  // namespace tpm2

// The codec, over every type that is declared.
#include "tpm2/codec.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <regex>
#include <set>
#include <sstream>
#include <string>

#include "support/sample.h"
#include "support/scripted_transport.h"
#include "support/wire_type_lists.h"
#include "tpm2/describe.h"

namespace tpm2::testing {
namespace {

template <typename T>
Buffer BytesOf(const T& value) {
  std::vector<uint8_t> buffer(16384);
  Writer writer(buffer);
  Encode(writer, value);
  EXPECT_TRUE(writer.ok()) << writer.FailureText();
  return ToBuffer(writer.written());
}

template <typename T>
bool Parses(ByteView bytes, std::string* failure = nullptr) {
  T value{};
  Reader reader(bytes);
  Decode(reader, value);
  if (failure != nullptr) *failure = reader.FailureText();
  return reader.ok();
}

// What the codec promises for everything that it accepts.
template <typename T>
void ExpectIdentity(ByteView bytes) {
  T value{};
  Reader reader(bytes);
  Decode(reader, value);
  if (!reader.ok()) return;
  EXPECT_EQ(ToHex(BytesOf(value)), ToHex(bytes));
}

Buffer Mutated(Sampler& sampler, Buffer bytes) {
  if (bytes.empty()) return {static_cast<uint8_t>(sampler.Below(256))};
  uint32_t at = sampler.Below(static_cast<uint32_t>(bytes.size()));
  switch (sampler.Below(4)) {
    case 0:
      bytes[at] ^= static_cast<uint8_t>(1u << sampler.Below(8));
      break;
    case 1:
      bytes[at] = static_cast<uint8_t>(sampler.Below(256));
      break;
    case 2:
      bytes.insert(bytes.begin() + at, static_cast<uint8_t>(sampler.Below(4)));
      break;
    default:
      bytes.erase(bytes.begin() + at);
      break;
  }
  return bytes;
}

// A TPMS_ID_OBJECT ends in what is left, so a part of one is one.
template <typename T>
constexpr bool kEndsOpen = std::same_as<T, IdObject>;

template <typename T>
void CheckType(const char* name) {
  SCOPED_TRACE(name);
  for (uint32_t seed = 0; seed < 24; ++seed) {
    const Buffer bytes = BytesOf(Sample<T>(seed));
    std::string failure;
    ASSERT_TRUE(Parses<T>(bytes, &failure)) << failure << " in " << ToHex(bytes);
    ExpectIdentity<T>(bytes);

    if constexpr (!kEndsOpen<T>) {
      for (size_t size = 0; size < bytes.size(); ++size) {
        EXPECT_FALSE(Parses<T>(ByteView(bytes).first(size), &failure))
            << size << " of " << ToHex(bytes);
        // Which field it was, for all that has fields.
        if (Declared<T>) {
          EXPECT_NE(failure.find(": "), std::string::npos);
          EXPECT_FALSE(failure.starts_with("whole structure")) << failure;
        }
      }
      Buffer longer = bytes;
      longer.push_back(0);
      EXPECT_FALSE(Parses<T>(longer)) << ToHex(longer);
    }
    Sampler sampler(seed);
    Buffer mutated = bytes;
    for (int i = 0; i < 60; ++i) {
      mutated = Mutated(sampler, i % 4 == 0 ? bytes : mutated);
      ExpectIdentity<T>(mutated);
    }
  }
}

TEST(CodecTest, EveryStructureRoundTripsAndEveryPrefixFails) {
#define CHECK_TYPE(name) CheckType<name>(#name);
  TPM2_STRUCTURES(CHECK_TYPE)
  TPM2_WIRE_ALIASES(CHECK_TYPE)
#undef CHECK_TYPE
}

TEST(CodecTest, EveryResponseRoundTripsAndEveryPrefixFails) {
#define CHECK_RESPONSE(name) CheckType<name::Response>(#name "::Response");
  TPM2_COMMANDS(CHECK_RESPONSE)
#undef CHECK_RESPONSE
}

TEST(CodecTest, EveryCommandsParametersRoundTrip) {
#define CHECK_COMMAND(name) CheckType<name>(#name);
  TPM2_COMMANDS(CHECK_COMMAND)
#undef CHECK_COMMAND
}

std::string Contents(const std::filesystem::path& folder) {
  std::ostringstream all;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    all << std::ifstream(entry.path()).rdbuf();
  }
  return all.str();
}
std::set<std::string> Matches(const std::string& text, const char* pattern) {
  std::set<std::string> found;
  const std::regex expression(pattern);
  for (std::sregex_iterator at(text.begin(), text.end(), expression), end; at != end; ++at) {
    found.insert((*at)[1]);
  }
  return found;
}

TEST(CodecTest, NoDeclarationIsLeftOutOfTheseTests) {
#define NAME_OF(name) #name,
  const std::set<std::string> structures{TPM2_STRUCTURES(NAME_OF)};
  const std::set<std::string> commands{TPM2_COMMANDS(NAME_OF)};
#undef NAME_OF
  const std::filesystem::path headers = std::filesystem::path(TPM2_SOURCE_DIR) / "include/tpm2";
  for (const std::string& name :
       Matches(Contents(headers / "structures"), "Declare<([A-Za-z]+)>\\(")) {
    EXPECT_TRUE(structures.contains(name)) << name << ": add it to wire_type_lists.h";
  }
  const auto declared =
      Matches(Contents(headers / "commands"), "kCode = CommandCode::k([A-Za-z]+);");
  EXPECT_EQ(declared.size(), commands.size());
  for (const std::string& name : declared) {
    EXPECT_TRUE(commands.contains(name)) << name << ": add it to wire_type_lists.h";
  }
}

// --- limits --------------------------------------------------------------------------------------

template <typename T, size_t kMax>
CodecFault FaultOf(List<T, kMax>& list, ByteView bytes) {
  Reader reader(bytes);
  Unmarshal(reader, list);
  return reader.fault();
}

TEST(CodecTest, ListsCheckTheirCountBeforeTheyAllocate) {
  PcrSelectionList selections;
  EXPECT_EQ(FaultOf(selections, FromHex("ffffffff")), CodecFault::kTooLong);
  EXPECT_EQ(FaultOf(selections, FromHex("00000011")), CodecFault::kTooLong);
  EXPECT_EQ(FaultOf(selections, FromHex("00000010")), CodecFault::kTruncated);
  EXPECT_EQ(selections.items.capacity(), 0u);
  List<uint32_t, 0x40000000> huge;
  EXPECT_EQ(FaultOf(huge, FromHex("40000000 00000000")), CodecFault::kTruncated);
  EXPECT_EQ(huge.items.capacity(), 0u);
}

TEST(CodecTest, OctetsCheckTheirSize) {
  EXPECT_FALSE(Parses<Digest>(FromHex("0041") /* 65, with nothing behind */));
  Buffer full = FromHex("0040");
  full.resize(66);
  EXPECT_TRUE(Parses<Digest>(full));
  full[1] = 0x41;
  full.push_back(0);
  std::string failure;
  EXPECT_FALSE(Parses<Digest>(full, &failure));
  EXPECT_NE(failure.find(FaultText(CodecFault::kTooLong)), std::string::npos) << failure;

  std::array<uint8_t, 128> out;
  Writer writer(out);
  Marshal(writer, Digest(Buffer(65)));
  EXPECT_EQ(writer.fault(), CodecFault::kTooLong);
}

TEST(CodecTest, SizedStructuresAreConsumedToTheEnd) {
  const NvPublic area = Sample<NvPublic>(7);
  const Buffer exact = BytesOf(Sized<NvPublic>{area});
  ASSERT_TRUE(Parses<Sized<NvPublic>>(exact));
  Buffer longer = exact;
  longer.push_back(0);
  ++longer[1];
  std::string failure;
  EXPECT_FALSE(Parses<Sized<NvPublic>>(longer, &failure));
  EXPECT_NE(failure.find(FaultText(CodecFault::kTrailing)), std::string::npos) << failure;
  Buffer shorter = exact;
  --shorter[1];
  EXPECT_FALSE(Parses<Sized<NvPublic>>(shorter, &failure));
  EXPECT_NE(failure.find("dataSize"), std::string::npos) << failure;
  // A size of zero is no structure: there is no TPM2B_NV_PUBLIC without a TPMS_NV_PUBLIC.
  EXPECT_FALSE(Parses<Sized<NvPublic>>(FromHex("0000")));
}

TEST(CodecTest, FailuresNameTheirPath) {
  Public area;
  area.type = AlgId::kEcc;
  area.name_alg = AlgId::kSha256;
  area.parameters.emplace<AlgId::kEcc>().curve = EccCurve::kNistP256;
  area.unique.emplace<AlgId::kEcc>();
  const Buffer bytes = BytesOf(area);
  // type, nameAlg, attributes, authPolicy are 10 octets; symmetric and scheme 2 each: then curveID.
  std::string failure;
  EXPECT_FALSE(Parses<Public>(ByteView(bytes).first(15), &failure));
  EXPECT_EQ(failure, "parameters.curveID: the bytes end inside this field");
  try {
    FromBytes<Public>(ByteView(bytes).first(15), "TPMT_PUBLIC");
    ADD_FAILURE() << "parsed";
  } catch (const Error& error) {
    EXPECT_EQ(error.code, ErrorCode::kMarshallingError);
    EXPECT_EQ(error.message, "TPMT_PUBLIC: parameters.curveID: the bytes end inside this field");
  }
}

TEST(CodecTest, UnionsRefuseAnotherArmThanTheSelectors) {
  Public area;
  area.type = AlgId::kRsa;
  area.parameters.emplace<AlgId::kEcc>();
  area.unique.emplace<AlgId::kRsa>();
  std::array<uint8_t, 512> out;
  Writer writer(out);
  Marshal(writer, area);
  EXPECT_EQ(writer.fault(), CodecFault::kBadSelector);

  std::string failure;
  Buffer bytes = BytesOf(Sample<Public>(3));
  bytes[0] = 0x7f;
  EXPECT_FALSE(Parses<Public>(bytes, &failure));
  EXPECT_EQ(failure.find("parameters: "), 0u) << failure;
}

TEST(CodecTest, TruthIsZeroOrOne) {
  EXPECT_TRUE(Parses<SelfTest>(FromHex("01")));
  EXPECT_TRUE(Parses<SelfTest>(FromHex("00")));
  EXPECT_FALSE(Parses<SelfTest>(FromHex("02")));
  EXPECT_FALSE(Parses<SelfTest>(FromHex("ff")));
}

TEST(CodecTest, AFullBufferIsAnError) {
  std::array<uint8_t, 3> out;
  Writer writer(out);
  Marshal(writer, uint16_t{1});
  Marshal(writer, uint16_t{2});
  EXPECT_EQ(writer.fault(), CodecFault::kOverflow);
  Marshal(writer, uint8_t{3});  // the first fault sticks
  EXPECT_EQ(writer.size(), 2u);
}

TEST(CodecTest, SecretsShowTheirLengthOnly) {
  SensitiveCreate sensitive;
  sensitive.user_auth = ByteView(FromHex("aabbcc"));
  sensitive.data = ByteView(FromHex("ddeeff00"));
  EXPECT_EQ(Describe(sensitive), "{userAuth=<3 secret octets>, data=<4 secret octets>}");
}

}  // namespace
}  // namespace tpm2::testing

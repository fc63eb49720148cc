// Every declared structure: whatever Unmarshal accepts, Marshal gives back octet by octet.
#include "input.h"
#include "support/wire_type_lists.h"
#include "tpm2/describe.h"

namespace tpm2::fuzzing {
namespace {

template <typename T>
void CheckIdentity(ByteView bytes) {
  T value{};
  Reader reader(bytes);
  testing::Decode(reader, value);
  Require(reader.ok() || !reader.FailureText().empty(), "a fault has a text");
  if (!reader.ok()) return;
  std::vector<uint8_t> buffer(bytes.size() + 16);
  Writer writer(buffer);
  testing::Encode(writer, value);
  Require(writer.ok(), "what was read can be written");
  Require(std::equal(bytes.begin(), bytes.end(), writer.written().begin(), writer.written().end()),
          "what was read is written as it was");
  Require(!Describe(value).empty() || bytes.empty(), "what was read can be described");
}

using Check = void (*)(ByteView);
constexpr Check kChecks[] = {
#define CHECK_OF(name) CheckIdentity<name>,
    TPM2_STRUCTURES(CHECK_OF) TPM2_WIRE_ALIASES(CHECK_OF)
#undef CHECK_OF
#define CHECK_OF(name) CheckIdentity<name::Response>,
        TPM2_COMMANDS(CHECK_OF)
#undef CHECK_OF
};

}  // namespace
}  // namespace tpm2::fuzzing

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  tpm2::fuzzing::Input input(data, size);
  constexpr size_t kCount = std::size(tpm2::fuzzing::kChecks);
  tpm2::fuzzing::Check check = tpm2::fuzzing::kChecks[input.Octet() % kCount];
  tpm2::Buffer bytes = input.Rest();
  check(bytes);
  return 0;
}

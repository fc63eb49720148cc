// Strings and numbers from outside: tcti strings, response codes, names.
#include "codec/names.h"
#include "input.h"
#include "tpm2/response_code.h"
#include "tpm2/transport.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace tpm2;
  fuzzing::Input input(data, size);
  if (input.Octet() % 2 == 0) {
    uint32_t rc = 0;
    for (int i = 0; i < 4; ++i) rc = rc << 8 | input.Octet();
    DecodedRc decoded = DecodeResponseCode(rc);
    fuzzing::Require(decoded.raw == rc, "a code is kept as it came");
    fuzzing::Require(!decoded.name.empty() && !decoded.meaning.empty(), "every code has words");
    fuzzing::Require(!ErrorCodeName(decoded.code).empty(), "every code has a place");
    CommandName(static_cast<CommandCode>(rc));
    AlgorithmName(static_cast<AlgId>(rc));
    return 0;
  }
  Buffer rest = input.Rest();
  std::string_view text(reinterpret_cast<const char*>(rest.data()), rest.size());
  HashFromName(text);
  fuzzing::Tolerating([&] {
    Tcti tcti = ParseTcti(text);
    fuzzing::Require(!tcti.name.empty(), "a tcti has a name");
    std::string canonical = CanonicalTcti(tcti);
    fuzzing::Require(CanonicalTcti(ParseTcti(canonical)) == canonical,
                     "the canonical form is its own");
  });
  return 0;
}

// What a server is sent by machines that it does not trust yet.
#include "input.h"
#include "tpm2/operations/verify.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace tpm2;
  if (size > 16384) return 0;
  fuzzing::Input input(data, size);
  switch (input.Octet() % 7) {
    case 0:
      fuzzing::Tolerating([&] { Run(op::ParseAttest{input.Rest()}); });
      break;
    case 1:
      fuzzing::Tolerating([&] {
        op::PublicRecord record = Run(op::ParsePublic{input.Rest()});
        // What was parsed parses again, to the same Name.
        fuzzing::Require(Run(op::ParsePublic{record.public_area}).name == record.name,
                         "a public area keeps its Name");
      });
      break;
    case 2: {
      op::VerifyQuote request;
      uint8_t form = input.Octet();
      request.message = input.Long();
      request.signature = input.Long();
      request.qualifying_data = input.Short();
      if ((form & 1) != 0) request.pcrs = {{"sha256", input.Octet() % 32u, "00"}};
      if ((form & 2) != 0) request.previous.emplace();
      ((form & 4) != 0 ? request.signer.ak_public : request.signer.ak_public_key) = input.Rest();
      fuzzing::Tolerating([&] {
        op::QuoteVerdict verdict = Run(request);
        fuzzing::Require(!verdict.checks.empty(), "a verdict has its checks");
      });
      break;
    }
    case 3:
      fuzzing::Tolerating([&] { Run(op::ParseCredential{input.Rest()}); });
      break;
    case 4:
      fuzzing::Tolerating([&] { Run(op::ParseCreation{input.Rest()}); });
      break;
    case 5: {
      op::VerifyCreation request;
      request.public_area = input.Long();
      request.creation_data = input.Long();
      request.message = input.Long();
      request.signature = input.Rest();
      fuzzing::Tolerating([&] { Run(request); });
      break;
    }
    default: {
      op::MakeCredential request;
      Buffer secret = input.Short();
      request.secret = ToSecret(secret);
      request.ak_name = input.Short();
      request.ek_public = input.Rest();
      fuzzing::Tolerating([&] { Run(request); });
      break;
    }
  }
  return 0;
}

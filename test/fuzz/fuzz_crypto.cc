// Cryptography over inputs of any size: no read outside, and both ways agree.
#include "crypto/crypto.h"
#include "input.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace tpm2;
  if (size > 8192) return 0;
  fuzzing::Input input(data, size);
  static constexpr AlgId kHashes[] = {AlgId::kSha1, AlgId::kSha256, AlgId::kSha384, AlgId::kSha512,
                                      AlgId::kNull};
  uint8_t kind = input.Octet();
  AlgId hash = kHashes[input.Octet() % std::size(kHashes)];
  switch (kind % 5) {
    case 0: {
      Buffer key = input.Short(), u = input.Short(), v = input.Short();
      uint32_t bits = static_cast<uint32_t>(input.Octet()) << 4 | (input.Octet() & 15);
      fuzzing::Tolerating([&] {
        SecretBytes made = crypto::KdfA(hash, key, "label", u, v, bits);
        fuzzing::Require(made.size() == (bits + 7) / 8, "KDFa gives what was asked for");
        fuzzing::Require(crypto::KdfA(hash, key, "label", u, v, bits) == made,
                         "KDFa is a function");
      });
      break;
    }
    case 1: {
      Buffer z = input.Short(), u = input.Short(), v = input.Short();
      uint32_t bits = static_cast<uint32_t>(input.Octet()) << 4 | (input.Octet() & 15);
      fuzzing::Tolerating([&] {
        fuzzing::Require(crypto::KdfE(hash, z, "label", u, v, bits).size() == (bits + 7) / 8,
                         "KDFe gives what was asked for");
      });
      break;
    }
    case 2: {
      Buffer key = input.Short(), iv = input.Short(), text = input.Rest();
      fuzzing::Tolerating([&] {
        Buffer copy = text;
        crypto::AesCfbEncrypt(key, iv, copy);
        crypto::AesCfbDecrypt(key, iv, copy);
        fuzzing::Require(copy == text, "decryption undoes encryption");
      });
      break;
    }
    case 3:
      fuzzing::Tolerating([&] {
        crypto::PublicKey key = crypto::DecodePublicKey(input.Rest());
        Buffer der = crypto::EncodeSpki(key);
        fuzzing::Require(crypto::EncodeSpki(crypto::DecodeSpki(der)) == der,
                         "an SPKI is read as it was written");
      });
      break;
    default: {
      Buffer der = input.Rest();
      Buffer raw = crypto::EcdsaDerToP1363(EccCurve::kNistP256, der);
      fuzzing::Require(raw.empty() || raw.size() == 64, "r and s have the curve's length");
      break;
    }
  }
  return 0;
}

// Every structure and command that is declared, in one list: what the codec's tests and fuzzers run
// over. codec_test reads the headers and fails when one of them is missing here.
#ifndef TPM2_TEST_UNIT_SUPPORT_WIRE_TYPE_LISTS_H_
#define TPM2_TEST_UNIT_SUPPORT_WIRE_TYPE_LISTS_H_

#include "tpm2/commands/attest.h"
#include "tpm2/commands/nv.h"
#include "tpm2/commands/object.h"
#include "tpm2/commands/session.h"
#include "tpm2/commands/system.h"

// X(name): a struct of include/tpm2/structures that has bytes on the wire.
#define TPM2_STRUCTURES(X) \
  X(PcrSelection)          \
  X(HashValue)             \
  X(Ticket)                \
  X(SymDef)                \
  X(ClockInfo)             \
  X(TimeInfo)              \
  X(SchemeHash)            \
  X(SchemeEcdaa)           \
  X(SchemeXor)             \
  X(Scheme)                \
  X(KdfScheme)             \
  X(KeyedHashScheme)       \
  X(EccPoint)              \
  X(RsaParms)              \
  X(EccParms)              \
  X(KeyedHashParms)        \
  X(SymCipherParms)        \
  X(Public)                \
  X(SensitiveCreate)       \
  X(CreationData)          \
  X(SignatureRsa)          \
  X(SignatureEcc)          \
  X(Signature)             \
  X(IdObject)              \
  X(CertifyInfo)           \
  X(QuoteInfo)             \
  X(CommandAuditInfo)      \
  X(SessionAuditInfo)      \
  X(CreationInfo)          \
  X(NvCertifyInfo)         \
  X(NvDigestCertifyInfo)   \
  X(TimeAttestInfo)        \
  X(Attest)                \
  X(AlgProperty)           \
  X(TaggedProperty)        \
  X(TaggedPcrSelect)       \
  X(TaggedPolicy)          \
  X(CapabilityData)        \
  X(NvPublic)

// Aliases and templates worth running by themselves: limits, sizes, lists.
#define TPM2_WIRE_ALIASES(X) \
  X(Digest)                  \
  X(Auth)                    \
  X(NameBytes)               \
  X(EncryptedSecret)         \
  X(Private)                 \
  X(SensitiveData)           \
  X(NvBuffer)                \
  X(AttestBytes)             \
  X(PcrSelectionList)        \
  X(DigestList)              \
  X(DigestValueList)         \
  X(Sized<Public>)           \
  X(Sized<SensitiveCreate>)  \
  X(Sized<CreationData>)     \
  X(Sized<IdObject>)         \
  X(Sized<NvPublic>)

// X(name): a command of include/tpm2/commands; its response goes with it.
#define TPM2_COMMANDS(X)        \
  X(Startup)                    \
  X(Shutdown)                   \
  X(SelfTest)                   \
  X(GetTestResult)              \
  X(GetRandom)                  \
  X(StirRandom)                 \
  X(PcrExtend)                  \
  X(PcrEvent)                   \
  X(PcrRead)                    \
  X(PcrReset)                   \
  X(ReadClock)                  \
  X(GetCapability)              \
  X(FlushContext)               \
  X(TestParms)                  \
  X(DictionaryAttackLockReset)  \
  X(DictionaryAttackParameters) \
  X(CreatePrimary)              \
  X(Create)                     \
  X(Load)                       \
  X(ReadPublic)                 \
  X(ActivateCredential)         \
  X(Unseal)                     \
  X(RsaDecrypt)                 \
  X(Sign)                       \
  X(Certify)                    \
  X(CertifyCreation)            \
  X(Quote)                      \
  X(NvDefineSpace)              \
  X(NvUndefineSpace)            \
  X(NvReadPublic)               \
  X(NvWrite)                    \
  X(NvRead)                     \
  X(StartAuthSession)           \
  X(PolicyRestart)              \
  X(PolicySecret)               \
  X(PolicyOr)                   \
  X(PolicyPcr)                  \
  X(PolicyCommandCode)          \
  X(PolicyAuthValue)            \
  X(PolicyGetDigest)

namespace tpm2::testing {

template <typename T>
struct ParameterWriter {
  Writer& writer;
  const T& value;
  template <typename Descriptor>
  void operator()(const Descriptor& field) {
    using Type = internal::FieldType<Descriptor>;
    if constexpr (!kIsCommandHandle<Type> && !std::same_as<Type, NewHandle>) {
      internal::FieldWriter<T> one{writer, value};
      one(field);
    }
  }
};
template <typename T>
struct ParameterReader {
  Reader& reader;
  T& value;
  template <typename Descriptor>
  void operator()(const Descriptor& field) {
    using Type = internal::FieldType<Descriptor>;
    if constexpr (!kIsCommandHandle<Type> && !std::same_as<Type, NewHandle>) {
      internal::FieldReader<T> one{reader, value};
      one(field);
    }
  }
};

// Marshal and Unmarshal that leave out handles: for commands and responses as for structures.
template <typename T>
void Encode(Writer& writer, const T& value) {
  if constexpr (Declared<T>) {
    ParameterWriter<T> visitor{writer, value};
    ForEachField<T>(visitor);
  } else {
    Marshal(writer, value);
  }
}
template <typename T>
void Decode(Reader& reader, T& value) {
  if constexpr (Declared<T>) {
    ParameterReader<T> visitor{reader, value};
    ForEachField<T>(visitor);
  } else {
    Unmarshal(reader, value);
  }
  if (reader.ok()) reader.ExpectEnd();
}

}  // namespace tpm2::testing

#endif  // TPM2_TEST_UNIT_SUPPORT_WIRE_TYPE_LISTS_H_

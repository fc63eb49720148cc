// Runs any declared command: handles, authorisations, parameters -> bytes -> response.
#ifndef TPM2_EXECUTOR_H_
#define TPM2_EXECUTOR_H_

#include <array>
#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "tpm2/command.h"
#include "tpm2/describe.h"
#include "tpm2/response_code.h"
#include "tpm2/session.h"
#include "tpm2/structures/public.h"
#include "tpm2/transport.h"

namespace tpm2 {

// One command as it went over the wire. Holds no secret.
struct TraceEvent {
  std::string_view command;  // "TPM2_Load"
  std::string request;       // the declared fields as text
  std::string response;      // empty when the TPM answered with an error
  std::string sessions;      // handles of the authorisations, "password" for those
  uint32_t rc = 0;
  std::string_view rc_name;  // empty for success
  std::chrono::microseconds duration{};
  size_t command_size = 0;
  size_t response_size = 0;
};

// The commands that a TPM of ours has been asked to run, resubmissions apart.
struct CommandCounts {
  uint64_t commands = 0;
  uint64_t resubmissions = 0;
};

namespace internal {

// A command with its types taken off, as the non-template half of the executor sees it.
struct CommandFrame {
  CommandCode code{};
  std::array<const Entity*, 3> handles{};
  size_t handle_count = 0;
  size_t auth_count = 0;  // the first of the handles need authorisation
  bool can_encrypt_command = false;
  bool can_encrypt_response = false;
  bool response_has_handle = false;
  // The declaration's name for the n-th (from 1) handle or parameter; null when there is none.
  const char* (*field_name)(RcSubject kind, unsigned number) = nullptr;
};

struct ResponseFrame {
  uint32_t handle = 0;
  MutableBytes parameters;
};

template <typename Command>
struct FrameBuilder {
  const Command& command;
  CommandFrame& frame;
  Writer& writer;
  template <typename Descriptor>
  void operator()(const Descriptor& field) {
    const auto& member = command.*Descriptor::kMember;
    using Type = std::remove_cvref_t<decltype(member)>;
    if constexpr (kIsCommandHandle<Type>) {
      frame.handles[frame.handle_count++] = &member.entity;
      if (Type::kRole != AuthRole::kNone) ++frame.auth_count;
    } else {
      FieldWriter<Command> one{writer, command};
      one(field);
    }
  }
};

struct FieldNamer {
  RcSubject kind;
  unsigned wanted;
  const char* found = nullptr;
  unsigned handles = 0, parameters = 0;
  template <typename Descriptor>
  void operator()(const Descriptor& field) {
    bool is_handle = kIsCommandHandle<FieldType<Descriptor>>;
    unsigned number = is_handle ? ++handles : ++parameters;
    if (is_handle == (kind == RcSubject::kHandle) && number == wanted) found = field.name;
  }
};
template <typename Command>
const char* FieldName(RcSubject kind, unsigned number) {
  FieldNamer namer{kind, number};
  ForEachField<Command>(namer);
  return namer.found;
}

struct NewHandleFinder {
  bool found = false;
  template <typename Descriptor>
  constexpr void operator()(const Descriptor&) {
    if constexpr (std::same_as<FieldType<Descriptor>, NewHandle>) found = true;
  }
};
template <typename Response>
constexpr bool BringsHandle() {
  NewHandleFinder finder;
  ForEachField<Response>(finder);
  return finder.found;
}

template <typename Response>
struct ResponseFiller {
  Reader& reader;
  Response& response;
  uint32_t handle;
  template <typename Descriptor>
  void operator()(const Descriptor& field) {
    auto& member = response.*Descriptor::kMember;
    if constexpr (std::same_as<std::remove_cvref_t<decltype(member)>, NewHandle>) {
      member.value = handle;
    } else {
      FieldReader<Response> one{reader, response};
      one(field);
    }
  }
};

}  // namespace internal

// Belongs to one connection's thread. Throws tpm2::Error that names the command, and for a response
// code its name and what it points at.
class Executor {
 public:
  using Authorizations = std::span<const Authorization>;

  explicit Executor(Transport& transport);

  // Authorisations beyond those given are passwords with the empty auth value; those beyond the
  // command's own handles are sessions that only encrypt (or audit).
  template <typename Command>
  typename Command::Response Run(const Command& command, Authorizations authorizations = {});

  // Null for none. The text is only made when there is a sink.
  using TraceSink = std::function<void(const TraceEvent&)>;
  void set_trace(TraceSink sink) { trace_ = std::move(sink); }
  // Asked before each command and during back-off; throws to stop the use case.
  void set_checkpoint(std::function<void()> checkpoint) { checkpoint_ = std::move(checkpoint); }
  // How to wait before a resubmission, instead of sleeping; for tests.
  using Pause = std::function<void(std::chrono::milliseconds)>;
  void set_pause(Pause pause) { pause_ = std::move(pause); }
  // Runs `body` without checkpoints: what cleans up is not given up.
  template <typename Body>
  void WithoutCheckpoint(Body body);

  const CommandCounts& counts() const { return counts_; }

 private:
  internal::ResponseFrame Exchange(const internal::CommandFrame& frame, MutableBytes parameters,
                                   Authorizations authorizations);
  void WriteAuthorizations(Writer& writer, const internal::CommandFrame& frame,
                           MutableBytes parameters, std::span<const Authorization> authorizations);
  void CheckAuthorizations(Reader& reader, const internal::CommandFrame& frame,
                           MutableBytes parameters, std::span<const Authorization> authorizations);
  Buffer Submit(const internal::CommandFrame& frame, ByteView command);
  void BackOff(unsigned attempt);
  // The command ran and made an object, but its answer is of no use: flushes the object, since
  // nobody else will know of it.
  void FlushOrphan() noexcept;
  [[noreturn]] void ThrowResponseCode(const internal::CommandFrame& frame, uint32_t rc) const;

  Transport& transport_;
  TraceSink trace_;
  std::function<void()> checkpoint_;
  Pause pause_;
  CommandCounts counts_;
  std::array<uint8_t, kMaxCommandSize> parameters_;
  std::array<uint8_t, kMaxCommandSize> command_;
  Buffer response_;
  uint32_t last_rc_ = 0;
  std::chrono::microseconds last_duration_{};
  size_t last_command_size_ = 0;
  uint32_t orphan_ = 0;  // the handle in the answer that is being read; 0: none

  template <typename Command>
  void Trace(const Command& command, Authorizations authorizations, const std::string& response);
  void Emit(TraceEvent event, CommandCode code, Authorizations authorizations);
  void WipeBuffers(size_t parameter_size);
  [[noreturn]] void ThrowMarshalling(CommandCode code, const CodecStatus& status,
                                     const char* what) const;
};

// What a salted or bound session is started with.
struct SessionOptions {
  SessionType type = SessionType::kHmac;
  AlgId hash = AlgId::kSha256;
  uint16_t aes_bits = 128;              // 0: no parameter encryption
  const Entity* salt_key = nullptr;     // a loaded decryption key ...
  const Public* salt_public = nullptr;  // ... and its public area
  const Entity* bind = nullptr;
  ByteView bind_auth;
};
// TPM2_StartAuthSession, Part 3 11.1. The caller flushes it.
std::unique_ptr<Session> StartSession(Executor& executor, const SessionOptions& options);

// --- Implementation of the templates ------------------------------------------------------------

template <typename Body>
void Executor::WithoutCheckpoint(Body body) {
  struct Restore {
    Executor& executor;
    std::function<void()> kept;
    ~Restore() { executor.checkpoint_ = std::move(kept); }
  } restore{*this, std::move(checkpoint_)};
  checkpoint_ = nullptr;
  body();
}

template <typename Command>
void Executor::Trace(const Command& command, Authorizations authorizations,
                     const std::string& response) {
  TraceEvent event;
  event.request = Describe(command);
  event.response = response;
  Emit(std::move(event), Command::kCode, authorizations);
}

template <typename Command>
typename Command::Response Executor::Run(const Command& command, Authorizations authorizations) {
  using Response = typename Command::Response;
  internal::CommandFrame frame;
  frame.code = Command::kCode;
  frame.can_encrypt_command = CanEncrypt<Command>();
  frame.can_encrypt_response = CanEncrypt<Response>();
  frame.response_has_handle = internal::BringsHandle<Response>();
  frame.field_name = internal::FieldName<Command>;

  struct Wipe {
    Executor& executor;
    Writer& writer;
    ~Wipe() { executor.WipeBuffers(writer.size()); }
  };
  Writer writer(parameters_);
  Wipe wipe{*this, writer};
  internal::FrameBuilder<Command> builder{command, frame, writer};
  ForEachField<Command>(builder);
  if (!writer.ok()) ThrowMarshalling(frame.code, writer, "command");

  internal::ResponseFrame answer;
  try {
    answer = Exchange(frame, MutableBytes(parameters_).first(writer.size()), authorizations);
  } catch (const Error&) {
    if (trace_) Trace(command, authorizations, std::string());
    FlushOrphan();
    throw;
  }
  Response response{};
  Reader reader(answer.parameters);
  internal::ResponseFiller<Response> filler{reader, response, answer.handle};
  ForEachField<Response>(filler);
  if (reader.ok()) reader.ExpectEnd();
  if (!reader.ok()) {
    FlushOrphan();
    ThrowMarshalling(frame.code, reader, "response");
  }
  orphan_ = 0;
  if (trace_) Trace(command, authorizations, Describe(response));
  return response;
}

}  // namespace tpm2

#endif  // TPM2_EXECUTOR_H_

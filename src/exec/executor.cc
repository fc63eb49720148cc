#include "tpm2/executor.h"

#include <algorithm>
#include <thread>
#include <utility>

#include "codec/names.h"
#include "crypto/crypto.h"

namespace tpm2 {
namespace {

using internal::CommandFrame;
using internal::ResponseFrame;

// Resubmission: doubling from 2 ms to 250 ms, about ten seconds in all.
constexpr unsigned kMaxResubmissions = 45;
constexpr unsigned kMaxLateCancellations = 10;
constexpr std::chrono::milliseconds kFirstPause{2};
constexpr std::chrono::milliseconds kLongestPause{250};

constexpr size_t kMaxSessions = 3;  // Part 1 18.6

std::string Described(CommandCode code) {
  std::string_view name = CommandName(code);
  return name.empty() ? "TPM command" : std::string(name);
}

SessionAttributes AttributesFor(const CommandFrame& frame, const Authorization& authorization) {
  SessionAttributes attributes = SessionAttributes::kNone;
  if (authorization.keep) attributes |= SessionAttributes::kContinue;
  if (authorization.encrypt && authorization.session != nullptr) {
    if (frame.can_encrypt_command) attributes |= SessionAttributes::kDecrypt;
    if (frame.can_encrypt_response) attributes |= SessionAttributes::kEncrypt;
  }
  return attributes;
}

// The entity that the n-th authorisation is for; nothing for a session that only encrypts.
const Name& EntityName(const CommandFrame& frame, size_t index) {
  static const auto* const kNone = new Name();
  return index < frame.auth_count ? frame.handles[index]->name : *kNone;
}
ByteView SessionAuth(const CommandFrame& frame, const Authorization& authorization, size_t index) {
  return index < frame.auth_count ? authorization.auth_value : ByteView();
}

// The octets inside the TPM2B at the front: what parameter encryption covers.
MutableBytes FirstSizedParameter(MutableBytes parameters) {
  if (parameters.size() < 2) return {};
  size_t size = static_cast<size_t>(parameters[0]) << 8 | parameters[1];
  return parameters.subspan(2, std::min(size, parameters.size() - 2));
}

// An object or a session that came into the TPM by a command, and goes by TPM2_FlushContext.
bool IsLoadedHandle(uint32_t handle) {
  HandleType type = TypeOf(handle);
  return type == HandleType::kTransient || type == HandleType::kHmacSession ||
         type == HandleType::kPolicySession;
}

// The n-th handle (from 1) stands for a key or an index that may come and go.
bool NamesObject(const CommandFrame& frame, unsigned number) {
  if (number > frame.handle_count) return false;
  HandleType type = TypeOf(frame.handles[number - 1]->handle);
  return type == HandleType::kTransient || type == HandleType::kPersistent ||
         type == HandleType::kNvIndex;
}

// It stands or falls with what is loaded: an object, a session, or the handle to be flushed.
bool NamesLoaded(const CommandFrame& frame, Executor::Authorizations authorizations) {
  if (frame.code == CommandCode::kFlushContext) return true;
  for (size_t i = 0; i < frame.handle_count; ++i) {
    if (IsLoadedHandle(frame.handles[i]->handle)) return true;
  }
  return std::any_of(authorizations.begin(), authorizations.end(),
                     [](const Authorization& each) { return each.session != nullptr; });
}

// How often a command is sent again after this answer, which says that it did not run. A
// cancellation that is ours ends the wait at the checkpoint; another one was meant for an earlier
// command, and came late.
unsigned ResubmissionsFor(uint32_t rc) {
  const DecodedRc decoded = DecodeResponseCode(rc);
  if (decoded.resubmit) return kMaxResubmissions;
  return decoded.base == rc::kCanceled ? kMaxLateCancellations : 0;
}

// An RSA key is to take off a padding.
bool Decrypts(CommandCode code) {
  return code == CommandCode::kRsaDecrypt || code == CommandCode::kActivateCredential;
}

[[noreturn]] void ThrowUntrusted(CommandCode code, const char* what) {
  Error error(
      ErrorCode::kIntegrity,
      Described(code) + ": " + what + "; the answer was altered on its way, or another TPM gave it",
      "Nothing of this answer was used. Find out what sits between this program and the TPM.");
  error.command = Described(code);
  throw error;
}

}  // namespace

Executor::Executor(Transport& transport) : transport_(transport) {}

void Executor::WipeBuffers(size_t parameter_size) {
  SecureWipe(parameters_.data(), parameter_size);
  SecureWipe(command_.data(), last_command_size_);
  SecureWipe(response_.data(), response_.size());
}

void Executor::ThrowMarshalling(CommandCode code, const CodecStatus& status,
                                const char* what) const {
  Error error(ErrorCode::kMarshallingError,
              Described(code) + " " + what + ": " + status.FailureText());
  error.command = Described(code);
  throw error;
}

void Executor::Emit(TraceEvent event, CommandCode code, Authorizations authorizations) {
  event.command = CommandName(code);
  event.rc = last_rc_;
  if (last_rc_ != rc::kSuccess) event.rc_name = DecodeResponseCode(last_rc_).name;
  event.duration = last_duration_;
  event.command_size = last_command_size_;
  event.response_size = response_.size();
  for (const Authorization& authorization : authorizations) {
    Describer text;
    if (!event.sessions.empty()) event.sessions += ", ";
    if (authorization.session == nullptr) {
      text.Text("password");
    } else {
      text.Hexadecimal(authorization.session->handle(), 8);
      if (authorization.encrypt) text.Text("+encrypt");
    }
    event.sessions += text.Take();
  }
  trace_(event);
}

void Executor::BackOff(unsigned attempt) {
  std::chrono::milliseconds pause = kFirstPause;
  for (unsigned i = 0; i < attempt && pause < kLongestPause; ++i) pause *= 2;
  pause = std::min(pause, kLongestPause);
  if (checkpoint_) checkpoint_();
  pause_ ? pause_(pause) : std::this_thread::sleep_for(pause);
}

void Executor::FlushOrphan() noexcept {
  uint32_t handle = std::exchange(orphan_, 0);
  if (!IsLoadedHandle(handle) || !transport_.IsOpen()) return;
  try {
    CommandFrame frame;
    frame.code = CommandCode::kFlushContext;
    std::array<uint8_t, 4> parameters{};
    Writer writer{MutableBytes(parameters)};
    writer.Integer(handle);
    WithoutCheckpoint([&] { Exchange(frame, parameters, {}); });
  } catch (const Error&) {
    // The answer may have been altered, handle and all; what is wrong is reported already.
  }
}

void Executor::ThrowResponseCode(const CommandFrame& frame, uint32_t rc) const {
  DecodedRc decoded = DecodeResponseCode(rc);
  Error error(decoded.code, std::string());
  error.command = Described(frame.code);
  // What Windows gives in a response code's place is its own status; the TPM's code may be in it.
  if (IsWindowsStatus(rc)) {
    error.hresult = rc;
    error.tpm_rc = TpmCodeOf(rc);
  } else {
    error.tpm_rc = rc;
  }
  error.rc_name = decoded.name;
  error.suggestion = decoded.suggestion;
  if (decoded.subject != RcSubject::kNone && decoded.number != 0) {
    static constexpr const char* kKinds[] = {"", "parameter ", "handle ", "session "};
    error.rc_subject =
        kKinds[static_cast<size_t>(decoded.subject)] + std::to_string(decoded.number);
    const char* name = decoded.subject == RcSubject::kSession
                           ? nullptr
                           : frame.field_name(decoded.subject, decoded.number);
    if (name != nullptr) error.rc_subject += std::string(" ") + name;
  }
  // A PCR policy whose digest is not the PCRs' is refused as a wrong value (Part 3 23.7).
  if (frame.code == CommandCode::kPolicyPcr && decoded.base == rc::kValue) {
    error.code = ErrorCode::kAuthFailed;
    error.suggestion = "The PCRs are not in the state that the object is bound to.";
  }
  // A number that lies outside of the TPM's slots is no object's handle either.
  if (decoded.base == rc::kValue && decoded.subject == RcSubject::kHandle &&
      NamesObject(frame, decoded.number)) {
    const DecodedRc nothing_there = DecodeResponseCode(rc::kHandle);
    error.code = nothing_there.code;
    error.suggestion = nothing_there.suggestion;
  }
  // What libtpms says of padding that does not come out right, in good health.
  if (decoded.base == rc::kFailure && Decrypts(frame.code)) {
    error.suggestion =
        "If other commands work, the cipher text was not made for this key: encrypt it to the "
        "public key of this one. If they fail too: " +
        error.suggestion;
  }
  error.message = error.command + " failed: " + error.rc_name;
  if (!error.rc_subject.empty()) error.message += " (" + error.rc_subject + ")";
  error.message += ": " + std::string(decoded.meaning);
  throw error;
}

Buffer Executor::Submit(const CommandFrame& frame, ByteView command) {
  for (unsigned attempt = 0;; ++attempt) {
    if (checkpoint_) checkpoint_();
    auto start = std::chrono::steady_clock::now();
    Buffer response;
    try {
      response = transport_.Transceive(command);
    } catch (Error& error) {
      last_rc_ = error.tpm_rc.value_or(0);
      // Windows' word for it, instead of the TPM's.
      if (transport_.IsOpen() && attempt < kMaxLateCancellations && last_rc_ == rc::kCanceled) {
        ++(attempt == 0 ? counts_.commands : counts_.resubmissions);
        BackOff(attempt);
        continue;
      }
      if (error.command.empty()) error.command = Described(frame.code);
      throw;
    }
    last_duration_ = std::chrono::duration_cast<std::chrono::microseconds>(
        std::chrono::steady_clock::now() - start);
    ++(attempt == 0 ? counts_.commands : counts_.resubmissions);

    Reader header(response);
    StructureTag tag{};
    Unmarshal(header, tag);
    uint32_t size = header.Integer<uint32_t>();
    last_rc_ = header.Integer<uint32_t>();
    if (!header.ok() || size != response.size()) {
      header.Fail(CodecFault::kBadValue);
      ThrowMarshalling(frame.code, header, "response header");
    }
    if (last_rc_ == rc::kSuccess) return response;
    if (attempt < ResubmissionsFor(last_rc_)) {
      BackOff(attempt);
      continue;
    }
    response_ = std::move(response);
    ThrowResponseCode(frame, last_rc_);
  }
}

void Executor::WriteAuthorizations(Writer& writer, const CommandFrame& frame,
                                   MutableBytes parameters,
                                   std::span<const Authorization> authorizations) {
  ByteView decrypt_nonce, encrypt_nonce;
  bool needs_cp_hash = false;
  for (size_t i = 0; i < authorizations.size(); ++i) {
    const Authorization& authorization = authorizations[i];
    if (authorization.session == nullptr) continue;
    authorization.session->BeginCommand();
    needs_cp_hash = true;
    SessionAttributes attributes = AttributesFor(frame, authorization);
    ByteView nonce = i == 0 ? ByteView() : authorization.session->nonce_tpm().view();
    if (Has(attributes, SessionAttributes::kDecrypt)) {
      authorization.session->EncryptCommandParameter(SessionAuth(frame, authorization, i),
                                                     FirstSizedParameter(parameters));
      decrypt_nonce = nonce;
    }
    // A session that encrypts both ways is named once (Part 1 19.6.5).
    if (Has(attributes, SessionAttributes::kEncrypt) &&
        !Has(attributes, SessionAttributes::kDecrypt)) {
      encrypt_nonce = nonce;
    }
  }

  size_t size_at = writer.size();
  writer.Integer<uint32_t>(0);
  for (size_t i = 0; i < authorizations.size(); ++i) {
    const Authorization& authorization = authorizations[i];
    if (authorization.session == nullptr) {
      writer.Integer(rh::kPassword);
      writer.Integer<uint16_t>(0);
      Marshal(writer, SessionAttributes::kContinue);
      ByteView password = TrimAuth(authorization.auth_value);
      writer.Integer(static_cast<uint16_t>(password.size()));
      writer.Raw(password);
      continue;
    }
    Session& session = *authorization.session;
    std::array<uint8_t, kMaxDigestSize> cp_hash{};
    size_t cp_size = 0;
    if (needs_cp_hash) {
      // cpHash = H(commandCode || Names || parameters as sent), Part 1 16.7.
      uint8_t code[4];
      Writer code_writer{MutableBytes(code)};
      Marshal(code_writer, frame.code);
      ByteView names[3];
      for (size_t n = 0; n < frame.handle_count; ++n) names[n] = frame.handles[n]->name.view();
      cp_size = crypto::DigestInto(
          session.hash(), {ByteView(code), names[0], names[1], names[2], parameters}, cp_hash);
    }
    SessionAttributes attributes = AttributesFor(frame, authorization);
    SmallOctets hmac =
        session.CommandHmac(EntityName(frame, i), SessionAuth(frame, authorization, i),
                            ByteView(cp_hash).first(cp_size), i == 0 ? decrypt_nonce : ByteView(),
                            i == 0 ? encrypt_nonce : ByteView(), attributes);
    writer.Integer(session.handle());
    writer.Integer(static_cast<uint16_t>(session.nonce_caller().size()));
    writer.Raw(session.nonce_caller().view());
    Marshal(writer, attributes);
    writer.Integer(static_cast<uint16_t>(hmac.size()));
    writer.Raw(hmac.view());
  }
  writer.PatchSize32(size_at);
}

void Executor::CheckAuthorizations(Reader& reader, const CommandFrame& frame,
                                   MutableBytes parameters,
                                   std::span<const Authorization> authorizations) {
  const Authorization* encrypting = nullptr;
  size_t encrypting_at = 0;
  for (size_t i = 0; i < authorizations.size(); ++i) {
    const Authorization& authorization = authorizations[i];
    Nonce nonce;
    SessionAttributes attributes{};
    Digest hmac;
    Unmarshal(reader, nonce);
    Unmarshal(reader, attributes);
    Unmarshal(reader, hmac);
    if (!reader.ok()) ThrowMarshalling(frame.code, reader, "response authorisations");
    if (authorization.session == nullptr) continue;
    Session& session = *authorization.session;
    // rpHash = H(responseCode || commandCode || parameters as received), Part 1 16.8.
    std::array<uint8_t, 8> codes{};
    Writer code_writer{MutableBytes(codes)};
    code_writer.Integer(rc::kSuccess);
    Marshal(code_writer, frame.code);
    std::array<uint8_t, kMaxDigestSize> rp_hash{};
    size_t rp_size = crypto::DigestInto(session.hash(), {codes, parameters}, rp_hash);
    if (!session.AcceptResponse(EntityName(frame, i), SessionAuth(frame, authorization, i),
                                ByteView(rp_hash).first(rp_size), nonce, attributes, hmac)) {
      ThrowUntrusted(frame.code, "the response's HMAC does not verify");
    }
    SessionAttributes asked = AttributesFor(frame, authorization);
    constexpr SessionAttributes kEncrypt = SessionAttributes::kEncrypt;
    if (Has(asked, kEncrypt) && !Has(attributes, kEncrypt)) {
      ThrowUntrusted(frame.code, "the response is not encrypted");
    }
    if (Has(asked, kEncrypt)) {
      encrypting = &authorization;
      encrypting_at = i;
    }
  }
  if (reader.ok()) reader.ExpectEnd();
  if (!reader.ok()) ThrowMarshalling(frame.code, reader, "response authorisations");
  if (encrypting != nullptr) {
    encrypting->session->DecryptResponseParameter(SessionAuth(frame, *encrypting, encrypting_at),
                                                  FirstSizedParameter(parameters));
  }
}

ResponseFrame Executor::Exchange(const CommandFrame& frame, MutableBytes parameters,
                                 Authorizations given) {
  std::array<Authorization, kMaxSessions> storage{};
  size_t count = std::max(frame.auth_count, given.size());
  if (count > kMaxSessions) {
    throw Error(ErrorCode::kMarshallingError, "more than three authorisations for one command");
  }
  std::copy(given.begin(), given.end(), storage.begin());
  std::span<const Authorization> authorizations(storage.data(), count);

  last_rc_ = 0;
  last_duration_ = {};
  orphan_ = 0;
  response_.clear();
  // As if the TPM had not found it: what the handle means now is not known.
  if (transport_.renewed() && NamesLoaded(frame, given)) {
    last_rc_ = kWindowsInvalidHandle;
    ThrowResponseCode(frame, last_rc_);
  }
  Writer writer(command_);
  last_command_size_ = command_.size();  // to be wiped if what follows throws halfway
  Marshal(writer, count == 0 ? StructureTag::kNoSessions : StructureTag::kSessions);
  writer.Integer<uint32_t>(0);
  Marshal(writer, frame.code);
  for (size_t i = 0; i < frame.handle_count; ++i) writer.Integer(frame.handles[i]->handle);
  if (count != 0) WriteAuthorizations(writer, frame, parameters, authorizations);
  writer.Raw(parameters);
  writer.PatchTotalSize(2);
  last_command_size_ = writer.size();
  if (!writer.ok()) ThrowMarshalling(frame.code, writer, "command");

  response_ = Submit(frame, writer.written());

  // A response to a command with sessions carries them too, or it is not the TPM's.
  Reader reader(response_);
  StructureTag tag{};
  Unmarshal(reader, tag);
  reader.Integer<uint32_t>();
  reader.Integer<uint32_t>();
  ResponseFrame answer;
  if (frame.response_has_handle) {
    answer.handle = reader.Integer<uint32_t>();
    if (reader.ok()) orphan_ = answer.handle;
  }
  bool with_sessions = tag == StructureTag::kSessions;
  if (!with_sessions && tag != StructureTag::kNoSessions) reader.Fail(CodecFault::kBadValue);
  if (reader.ok() && with_sessions != (count != 0)) {
    if (count != 0) ThrowUntrusted(frame.code, "the response came without its sessions");
    reader.Fail(CodecFault::kBadValue);
  }
  size_t size = reader.remaining();
  if (with_sessions && reader.ok()) size = reader.Integer<uint32_t>();
  size_t start = reader.position();
  reader.Raw(size);
  if (!reader.ok()) ThrowMarshalling(frame.code, reader, "response");
  answer.parameters = MutableBytes(response_).subspan(start, size);
  if (with_sessions) CheckAuthorizations(reader, frame, answer.parameters, authorizations);
  return answer;
}

}  // namespace tpm2

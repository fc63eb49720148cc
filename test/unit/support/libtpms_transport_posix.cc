// "_posix": libtpms is built for the test machine only, so the Windows build leaves this file out.
extern "C" {
#include <libtpms/tpm_error.h>
#include <libtpms/tpm_library.h>
#include <libtpms/tpm_memory.h>
}

#include <cstdlib>
#include <cstring>
#include <map>
#include <string>

#include "support/libtpms_transport.h"
#include "support/scripted_transport.h"
#include "tpm2/error.h"

namespace tpm2::testing {
namespace {

std::atomic<bool> in_use{false};

// libtpms calls back without a context, so its non-volatile memory has to be here.
std::map<std::string, Buffer, std::less<>>& Storage() {
  static std::map<std::string, Buffer, std::less<>> storage;
  return storage;
}

TPM_RESULT Nothing() { return TPM_SUCCESS; }

TPM_RESULT LoadData(unsigned char** data, uint32_t* length, uint32_t, const char* name) {
  const auto found = Storage().find(name);
  if (found == Storage().end()) return TPM_RETRY;  // "not there", in libtpms' words
  const Buffer& stored = found->second;
  if (TPM_Malloc(data, static_cast<uint32_t>(stored.size())) != TPM_SUCCESS) return TPM_SIZE;
  std::memcpy(*data, stored.data(), stored.size());
  *length = static_cast<uint32_t>(stored.size());
  return TPM_SUCCESS;
}

TPM_RESULT StoreData(const unsigned char* data, uint32_t length, uint32_t, const char* name) {
  Storage().insert_or_assign(name, Buffer(data, data + length));
  return TPM_SUCCESS;
}

TPM_RESULT DeleteName(uint32_t, const char* name, TPM_BOOL) {
  Storage().erase(name);
  return TPM_SUCCESS;
}

TPM_RESULT GetLocality(TPM_MODIFIER_INDICATOR* locality, uint32_t) {
  *locality = 0;
  return TPM_SUCCESS;
}

TPM_RESULT GetPhysicalPresence(TPM_BOOL* presence, uint32_t) {
  *presence = 0;
  return TPM_SUCCESS;
}

void Check(TPM_RESULT result, const char* what) {
  if (result == TPM_SUCCESS) return;
  throw Error(ErrorCode::kTransportError,
              std::string("libtpms: ") + what + " gave " + std::to_string(result));
}

}  // namespace

LibtpmsTransport::LibtpmsTransport() {
  if (in_use.exchange(true)) {
    throw Error(ErrorCode::kResourceExhausted, "libtpms is one TPM per process, and it is in use");
  }
  try {
    Storage().clear();
    libtpms_callbacks callbacks{};
    callbacks.sizeOfStruct = sizeof callbacks;
    callbacks.tpm_nvram_init = Nothing;
    callbacks.tpm_nvram_loaddata = LoadData;
    callbacks.tpm_nvram_storedata = StoreData;
    callbacks.tpm_nvram_deletename = DeleteName;
    callbacks.tpm_io_init = Nothing;
    callbacks.tpm_io_getlocality = GetLocality;
    callbacks.tpm_io_getphysicalpresence = GetPhysicalPresence;
    Check(TPMLIB_ChooseTPMVersion(TPMLIB_TPM_VERSION_2), "ChooseTPMVersion");
    Check(TPMLIB_RegisterCallbacks(&callbacks), "RegisterCallbacks");
    PowerOn(Start::kClear);
  } catch (...) {
    in_use = false;
    throw;
  }
}

LibtpmsTransport::~LibtpmsTransport() {
  TPMLIB_Terminate();
  in_use = false;
}

void LibtpmsTransport::PowerOn(Start start) {
  Check(TPMLIB_MainInit(), "MainInit");
  if (start == Start::kNone) return;
  const uint8_t type = start == Start::kState ? 1 : 0;
  const Buffer startup{0x80, 1, 0, 0, 0, 12, 0, 0, 1, 0x44, 0, type};
  Check(CodeOf(Transceive(startup)), "TPM2_Startup");
}

void LibtpmsTransport::Reset(Start start) {
  TPMLIB_Terminate();
  PowerOn(start);
}

Buffer LibtpmsTransport::Transceive(ByteView command) {
  if (interrupted_) throw Error(ErrorCode::kClosed, "interrupted");
  Buffer writable = ToBuffer(command);  // libtpms takes no const
  unsigned char* bytes = nullptr;
  uint32_t size = 0;
  uint32_t capacity = 0;
  running_ = true;
  const TPM_RESULT result = TPMLIB_Process(&bytes, &size, &capacity, writable.data(),
                                           static_cast<uint32_t>(writable.size()));
  running_ = false;
  const Buffer response = result == TPM_SUCCESS ? Buffer(bytes, bytes + size) : Buffer();
  std::free(bytes);
  Check(result, "Process");
  if (interrupted_) throw Error(ErrorCode::kClosed, "interrupted");
  return response;
}

bool LibtpmsTransport::Cancel() noexcept {
  return running_ && TPMLIB_CancelCommand() == TPM_SUCCESS;
}

void LibtpmsTransport::Interrupt() noexcept {
  interrupted_ = true;
  Cancel();
}

}  // namespace tpm2::testing

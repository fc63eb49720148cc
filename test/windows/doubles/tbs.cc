// Test double of Windows' tbs.dll. It checks pointers and carries calls to the broker, which knows
// the rest (../broker/tbs.mjs). Never shipped.
#include <cstring>

#include "rpc.h"

using tpm2_double::CallBroker;
using tpm2_double::Reply;
using tpm2_double::Request;

namespace {

using Result = UINT32;
using Context = PVOID;

constexpr Result kBadParameter = 0x80284002;
constexpr Result kInvalidOutputPointer = 0x80284003;
constexpr Result kBufferTooLarge = 0x8028400E;
constexpr Result kTpmNotFound = 0x8028400F;
constexpr UINT32 kMaxBuffer = 256 * 1024;

struct ContextParams {
  UINT32 version;
  UINT32 flags;  // only from version 2 on
};

std::uint64_t Id(Context context) { return reinterpret_cast<std::uintptr_t>(context); }

Reply Call(const Request& request) {
  auto reply = CallBroker("tbs", request);
  if (reply) return *reply;
  Reply none;
  none.status = kTpmNotFound;
  return none;
}

// Reply values: 0 the bytes (NULL unless they fit), 1 their size.
Result CallForBytes(Request request, BYTE* out, UINT32* size) {
  if (size == nullptr) return kInvalidOutputPointer;
  if (out == nullptr && *size != 0) return kInvalidOutputPointer;
  request.AddU32(out == nullptr ? 0 : *size);
  Reply reply = Call(request);
  if (reply.values.size() < 2) return reply.status;
  const auto& bytes = reply.Data(0);
  if (out != nullptr && bytes.size() <= *size) std::memcpy(out, bytes.data(), bytes.size());
  *size = reply.U32(1);
  return reply.status;
}

}  // namespace

extern "C" {

__declspec(dllexport) const char* WINAPI NodeTpm2TestDouble() {
  return "node-tpm2 tbs test double";
}

__declspec(dllexport) Result WINAPI
    Tbsi_Context_Create(const ContextParams* params, Context* context) {
  if (params == nullptr) return kBadParameter;
  if (context == nullptr) return kInvalidOutputPointer;
  Request request{"Tbsi_Context_Create", {}};
  request.AddU32(params->version).AddU32(params->version >= 2 ? params->flags : 0);
  Reply reply = Call(request);
  if (reply.status == 0)
    *context = reinterpret_cast<Context>(static_cast<std::uintptr_t>(reply.U64(0)));
  return reply.status;
}

__declspec(dllexport) Result WINAPI Tbsip_Context_Close(Context context) {
  Request request{"Tbsip_Context_Close", {}};
  return Call(request.AddU64(Id(context))).status;
}

__declspec(dllexport) Result WINAPI
    Tbsip_Submit_Command(Context context, UINT32 locality, UINT32 priority, const BYTE* command,
                         UINT32 command_size, BYTE* response, UINT32* response_size) {
  if (command == nullptr || command_size == 0) return kBadParameter;
  if (response == nullptr || response_size == nullptr) return kInvalidOutputPointer;
  if (command_size > kMaxBuffer || *response_size > kMaxBuffer) return kBufferTooLarge;
  Request request{"Tbsip_Submit_Command", {}};
  request.AddU64(Id(context)).AddU32(locality).AddU32(priority).AddBytes(command, command_size);
  return CallForBytes(request, response, response_size);
}

#ifndef NODE_TPM2_CRIPPLED_TBS
__declspec(dllexport) Result WINAPI Tbsip_Cancel_Commands(Context context) {
  Request request{"Tbsip_Cancel_Commands", {}};
  return Call(request.AddU64(Id(context))).status;
}
#endif

__declspec(dllexport) Result WINAPI Tbsi_Get_TCG_Log(Context context, BYTE* out, UINT32* size) {
  Request request{"Tbsi_Get_TCG_Log", {}};
  return CallForBytes(request.AddU64(Id(context)), out, size);
}

__declspec(dllexport) Result WINAPI
    Tbsi_Get_OwnerAuth(Context context, UINT32 type, BYTE* out, UINT32* size) {
  Request request{"Tbsi_Get_OwnerAuth", {}};
  return CallForBytes(request.AddU64(Id(context)).AddU32(type), out, size);
}

__declspec(dllexport) Result WINAPI Tbsi_Revoke_Attestation() {
  return Call(Request{"Tbsi_Revoke_Attestation", {}}).status;
}

#ifndef NODE_TPM2_OLD_TBS

__declspec(dllexport) Result WINAPI Tbsi_GetDeviceInfo(UINT32 size, PVOID info) {
  if (info == nullptr) return kInvalidOutputPointer;
  Request request{"Tbsi_GetDeviceInfo", {}};
  Reply reply = Call(request.AddU32(size));
  if (reply.status == 0 && reply.Data(0).size() <= size) {
    std::memcpy(info, reply.Data(0).data(), reply.Data(0).size());
  }
  return reply.status;
}

__declspec(dllexport) Result WINAPI Tbsi_Get_TCG_Log_Ex(UINT32 type, BYTE* out, UINT32* size) {
  Request request{"Tbsi_Get_TCG_Log_Ex", {}};
  return CallForBytes(request.AddU32(type), out, size);
}

#endif

}  // extern "C"

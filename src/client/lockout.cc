// Dictionary-attack protection: how many failures are counted, and what they lead to.
#include "client/capability.h"
#include "tpm2/client.h"
#include "tpm2/commands/system.h"
#include "tpm2/operations/system.h"

namespace tpm2 {
namespace {

constexpr uint32_t kInLockout = 1u << 9;  // TPMA_PERMANENT, Part 2 8.6

template <typename Command>
Nothing RunAsLockout(Client& client, const CallOptions& options, Command command,
                     const std::optional<SecretBytes>& given) {
  command.lock_handle = Entity::Of(rh::kLockout);
  ByteView auth = given ? ByteView(*given) : ByteView(options.lockout_auth);
  return client.Retrying([&] {
    Authorization authorization = client.Authorize(auth, options, false);
    client.Run(command, {&authorization, 1});
    return Nothing();
  });
}

}  // namespace

op::LockoutStatus Run(Client& client, const CallOptions&, const op::GetLockoutStatus&) {
  op::LockoutStatus status;
  for (const TaggedProperty& item : ReadProperties(client, pt::kVariable)) {
    if (item.property == pt::kPermanent) status.in_lockout = (item.value & kInLockout) != 0;
    if (item.property == pt::kLockoutCounter) status.counter = item.value;
    if (item.property == pt::kMaxAuthFail) status.max_tries = item.value;
    if (item.property == pt::kLockoutInterval) status.recovery_time = item.value;
    if (item.property == pt::kLockoutRecovery) status.lockout_recovery = item.value;
  }
  return status;
}

Nothing Run(Client& client, const CallOptions& options, const op::LockoutReset& request) {
  return RunAsLockout(client, options, DictionaryAttackLockReset{}, request.lockout_auth);
}

Nothing Run(Client& client, const CallOptions& options, const op::LockoutConfigure& request) {
  DictionaryAttackParameters command;
  command.new_max_tries = request.max_tries;
  command.new_recovery_time = request.recovery_time;
  command.lockout_recovery = request.lockout_recovery;
  return RunAsLockout(client, options, command, request.lockout_auth);
}

}  // namespace tpm2

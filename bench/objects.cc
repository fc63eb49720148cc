#include "objects.h"

#include "client/templates.h"

namespace tpm2::bench {

CreatePrimary StorageParentCommand() {
  CreatePrimary command;
  command.primary_handle = Entity::Of(rh::kOwner);
  *command.in_public = templates::StorageParent();
  return command;
}

Create CreateCommand(const Entity& parent, Leaf leaf) {
  Create command;
  command.parent_handle = parent;
  switch (leaf) {
    case Leaf::kKey:
      *command.in_public = templates::ApplicationKey({});
      break;
    case Leaf::kAttestationKey:
      *command.in_public = templates::AttestationKey(false);
      break;
    case Leaf::kSealed:
      *command.in_public = templates::SealedObject({}, false);
      command.in_sensitive->data = SecretBytes(32, 0x5a);
      break;
  }
  return command;
}

Load LoadCommand(const Entity& parent, const CreateResponse& created) {
  Load command;
  command.parent_handle = parent;
  command.in_private = created.out_private;
  command.in_public = created.out_public;
  return command;
}

PcrSelectionList EightPcrs() {
  PcrSelection bank{AlgId::kSha256, {}};
  for (uint32_t pcr = 0; pcr < 8; ++pcr) bank.Add(pcr);
  PcrSelectionList list;
  list.items.push_back(bank);
  return list;
}

Sign SignCommand(const Entity& key) {
  Sign command;
  command.key_handle = key;
  command.digest = Digest(Buffer(32, 0xd1));
  command.in_scheme = Scheme::Ecdsa(AlgId::kSha256);
  command.validation = NullHashCheck();
  return command;
}

Quote QuoteCommand(const Entity& key) {
  Quote command;
  command.sign_handle = key;
  command.qualifying_data = Data(Buffer(20, 0x9c));
  command.pcr_select = EightPcrs();
  return command;
}

Entity RunCreatePrimary(Executor& executor, const CreatePrimary& command) {
  CreatePrimaryResponse created = executor.Run(command);
  return {created.object_handle.value, Name(created.name.view())};
}

Entity RunLoad(Executor& executor, const Load& command) {
  LoadResponse loaded = executor.Run(command);
  return {loaded.object_handle.value, Name(loaded.name.view())};
}

void Flush(Executor& executor, uint32_t handle) {
  FlushContext command;
  command.flush_handle = handle;
  executor.Run(command);
}

}  // namespace tpm2::bench

// The commands that the contestants have in common, and the objects that they are about.
#ifndef TPM2_BENCH_OBJECTS_H_
#define TPM2_BENCH_OBJECTS_H_

#include "tpm2/commands/attest.h"
#include "tpm2/commands/object.h"
#include "tpm2/commands/system.h"
#include "tpm2/executor.h"

namespace tpm2::bench {

inline constexpr uint16_t kRandomBytes = 32;

enum class Leaf { kKey, kAttestationKey, kSealed };

CreatePrimary StorageParentCommand();
Create CreateCommand(const Entity& parent, Leaf leaf);
Load LoadCommand(const Entity& parent, const CreateResponse& created);
PcrSelectionList EightPcrs();
Sign SignCommand(const Entity& key);
Quote QuoteCommand(const Entity& key);

// With the Name that belongs to it, taken from the TPM's word: nobody attacks a benchmark.
Entity RunCreatePrimary(Executor& executor, const CreatePrimary& command);
Entity RunLoad(Executor& executor, const Load& command);
void Flush(Executor& executor, uint32_t handle);

}  // namespace tpm2::bench

#endif  // TPM2_BENCH_OBJECTS_H_

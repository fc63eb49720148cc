#include "client/templates.h"
#include "support/test_tpm.h"
#include "tpm2/commands/system.h"

namespace tpm2::testing {

SecretBytes SecretOf(std::string_view text) { return SecretBytes(text.begin(), text.end()); }
Buffer BytesOfText(std::string_view text) { return Buffer(text.begin(), text.end()); }

TestTpm::TestTpm() : direct_(chip_) { NewClient(); }

TestTpm::~TestTpm() { client_.reset(); }

std::shared_ptr<Transport> TestTpm::Open() {
  ++opened_;
  auto recording = std::make_unique<RecordingTransport>(std::make_unique<BorrowedTransport>(chip_));
  recording_ = recording.get();
  auto faulty = std::make_shared<FaultyTransport>(std::move(recording));
  faulty_ = faulty.get();
  if (on_open) on_open(*faulty);
  return faulty;
}

void TestTpm::NewClient() {
  client_.reset();
  client_ = std::make_unique<Client>([this] { return Open(); });
}

std::vector<uint32_t> TestTpm::Handles(uint32_t first) {
  GetCapability command;
  command.capability = Capability::kHandles;
  command.property = first;
  command.property_count = 64;
  GetCapabilityResponse response = direct_.Run(command);
  return response.data.data.get_if<Capability::kHandles>()->items;
}

std::vector<uint32_t> TestTpm::Loaded() {
  std::vector<uint32_t> all = Handles(0x80000000);
  for (uint32_t session : Handles(0x02000000)) all.push_back(session);
  return all;
}

void TestTpm::FlushAll() {
  for (uint32_t handle : Loaded()) {
    FlushContext flush;
    // The capability lists every session in the HMAC range; a policy session answers to its own.
    flush.flush_handle = handle;
    try {
      direct_.Run(flush);
    } catch (const Error&) {
      flush.flush_handle = handle | 0x01000000;
      direct_.Run(flush);
    }
  }
}

uint32_t TestTpm::MakePrimary(const Public& area, uint32_t hierarchy, ByteView auth) {
  CreatePrimary command;
  command.primary_handle = Entity::Of(hierarchy);
  *command.in_public = area;
  Authorization authorization{nullptr, auth};
  return direct_.Run(command, {&authorization, 1}).object_handle.value;
}

void TestTpm::Persist(uint32_t transient, uint32_t persistent) {
  EvictControl command;
  command.auth = Entity::Of(rh::kOwner);
  command.object_handle = Entity{transient, Name()};
  command.persistent_handle = persistent;
  direct_.Run(command);
  FlushContext flush;
  flush.flush_handle = transient;
  direct_.Run(flush);
}

void TestTpm::PersistStorageParent(uint32_t handle) {
  Persist(MakePrimary(templates::StorageParent()), handle);
}

void TestTpm::Clear() {
  ClearCommand command;
  command.auth_handle = Entity::Of(rh::kLockout);
  direct_.Run(command);
}

void TestTpm::SetHierarchyAuth(uint32_t hierarchy, ByteView auth, ByteView current) {
  HierarchyChangeAuth command;
  command.auth_handle = Entity::Of(hierarchy);
  command.new_auth = auth;
  Authorization authorization{nullptr, current};
  direct_.Run(command, {&authorization, 1});
}

}  // namespace tpm2::testing

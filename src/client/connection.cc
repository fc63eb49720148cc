#include "tpm2/connection.h"

#include <algorithm>
#include <chrono>
#include <string>
#include <system_error>
#include <thread>
#include <utility>

#include "crypto/crypto.h"

namespace tpm2 {
namespace {

constexpr std::chrono::seconds kIdleBeforeFlush{1};

Error Closed() {
  return Error(ErrorCode::kClosed, "the TPM connection was closed", "Call Tpm.open() again.");
}
Error Aborted() { return Error(ErrorCode::kAborted, "the operation was aborted"); }

}  // namespace

std::shared_ptr<Connection> Connection::Start(Opener opener,
                                              std::shared_ptr<Connection> predecessor) {
  std::shared_ptr<Connection> connection(new Connection());
  try {
    // The thread keeps the connection alive: whoever drops the last other reference need not wait.
    std::thread([self = connection, opener = std::move(opener),
                 before = std::move(predecessor)]() mutable {
      self->ThreadMain(std::move(opener), std::move(before));
    }).detach();
  } catch (const std::system_error& error) {
    throw Error(
        ErrorCode::kResourceExhausted, std::string("the system starts no thread: ") + error.what(),
        "End some processes or threads, or raise their limit (ulimit -u, TasksMax, pids.max).");
  }
  return connection;
}

Connection::~Connection() = default;

void Connection::Post(std::shared_ptr<Job> job, const void* owner, uint64_t ticket) {
  {
    std::lock_guard lock(mutex_);
    if (!stopping_) {
      queue_.push_back({std::move(job), owner, ticket});
      wake_.notify_all();
      return;
    }
  }
  job->Done(Closed());
}

template <typename Predicate>
void Connection::RemoveQueued(Predicate matches, const Error& error) {
  std::vector<Queued> removed;
  {
    std::lock_guard lock(mutex_);
    auto keep = std::stable_partition(queue_.begin(), queue_.end(),
                                      [&](const Queued& queued) { return !matches(queued); });
    std::move(keep, queue_.end(), std::back_inserter(removed));
    queue_.erase(keep, queue_.end());
  }
  for (Queued& queued : removed) queued.job->Done(error);
}

template <typename Predicate>
void Connection::StopRunning(Predicate matches) {
  std::shared_ptr<Transport> transport;
  {
    std::lock_guard lock(mutex_);
    if (running_.job == nullptr || !matches(running_)) return;
    cancel_running_ = true;
    if (side_ != nullptr) side_->Cancel();
    transport = transport_;
  }
  if (transport == nullptr) return;
  // A TPM that has never answered holds nothing of ours, and may never answer (swtpm with another
  // client): there the wait is given up, not only the command.
  if (!answered_.load()) {
    transport->Interrupt();
  } else {
    transport->Cancel();
  }
}

void Connection::Cancel(const void* owner, uint64_t ticket, const Error& error) {
  auto matches = [&](const Queued& queued) {
    return queued.owner == owner && queued.ticket == ticket;
  };
  RemoveQueued(matches, error);
  StopRunning(matches);
}

void Connection::CancelQueued(const void* owner, const Error& error) {
  RemoveQueued([&](const Queued& queued) { return queued.owner == owner; }, error);
}

void Connection::Abandon(const void* owner, const Error& error) {
  auto matches = [&](const Queued& queued) { return queued.owner == owner; };
  RemoveQueued(matches, error);
  StopRunning(matches);
}

void Connection::Stop(std::function<void()> stopped) {
  bool already_stopped = false;
  {
    std::lock_guard lock(mutex_);
    stopping_ = true;
    already_stopped = stopped_;
    if (!already_stopped && stopped) on_stopped_.push_back(std::move(stopped));
    wake_.notify_all();
  }
  if (already_stopped && stopped) stopped();
  auto any = [](const Queued&) { return true; };
  RemoveQueued(any, Closed());
  if (!answered_.load()) StopRunning(any);
}

bool Connection::Busy() {
  std::lock_guard lock(mutex_);
  return running_.job != nullptr || !queue_.empty();
}

void Connection::WaitStopped(std::chrono::milliseconds grace) {
  std::unique_lock lock(mutex_);
  auto is_stopped = [this] { return stopped_; };
  if (wake_.wait_for(lock, grace, is_stopped)) return;
  std::shared_ptr<Transport> transport = transport_;
  if (side_ != nullptr) side_->Interrupt();
  lock.unlock();
  if (transport != nullptr) transport->Interrupt();
  lock.lock();
  wake_.wait(lock, is_stopped);
}

std::shared_ptr<Transport> Connection::Open(const Opener& opener) {
  answered_.store(false);
  std::shared_ptr<Transport> transport = opener();
  std::lock_guard lock(mutex_);
  transport_ = transport;
  return transport;
}

void Connection::Checkpoint(Client& client) {
  if (client.executor().counts().commands != 0) answered_.store(true);
  std::lock_guard lock(mutex_);
  if (cancel_running_) throw Aborted();
}

void Connection::WatchSide(Transport* side) {
  std::lock_guard lock(mutex_);
  side_ = side;
  // Whoever has another way to this TPM has had its answer: there is no wait to be given up.
  if (side != nullptr) answered_.store(true);
}

bool Connection::Next(Client& client, Queued& next) {
  std::unique_lock lock(mutex_);
  auto ready = [this] { return stopping_ || !queue_.empty(); };
  while (!ready()) {
    if (!client.HoldsObjects()) {
      wake_.wait(lock, ready);
    } else if (!wake_.wait_for(lock, kIdleBeforeFlush, ready)) {
      lock.unlock();
      client.OnIdle();
      lock.lock();
      wake_.wait(lock, ready);
    }
  }
  if (queue_.empty()) return false;
  next = std::move(queue_.front());
  queue_.pop_front();
  running_ = next;
  cancel_running_ = false;
  return true;
}

void Connection::RunOne(Client& client, const Queued& queued) {
  std::optional<Error> failure;
  try {
    client.EnsureOpen();
    queued.job->Run(client);
  } catch (const Error& error) {
    failure = error;
  } catch (const std::exception& error) {
    failure = UnexpectedError(error);
  }
  if (failure) client.AfterError(*failure);
  if (client.IsOpen() && client.executor().counts().commands != 0) answered_.store(true);
  if (!client.IsOpen()) answered_.store(false);
  {
    std::lock_guard lock(mutex_);
    running_ = Queued{};
  }
  queued.job->Done(std::move(failure));
}

void Connection::ThreadMain(Opener opener, std::shared_ptr<Connection> predecessor) {
  if (predecessor != nullptr) predecessor->WaitStopped();
  predecessor.reset();
  {
    Client client([this, &opener] { return Open(opener); });
    client.set_checkpoint([this, &client] { Checkpoint(client); });
    client.set_side_watcher([this](Transport* side) { WatchSide(side); });
    Queued next;
    while (Next(client, next)) {
      RunOne(client, next);
      next = Queued{};
    }
    client.set_checkpoint(nullptr);
    client.Close();
  }
  crypto::ReleaseThread();
  std::unique_lock lock(mutex_);
  transport_.reset();
  answered_.store(false);
  while (!on_stopped_.empty()) {
    auto callbacks = std::exchange(on_stopped_, {});
    lock.unlock();
    for (const auto& callback : callbacks) callback();
    lock.lock();
  }
  stopped_ = true;
  wake_.notify_all();
}

ConnectionRegistry& ConnectionRegistry::Instance() {
  static ConnectionRegistry* instance = new ConnectionRegistry();
  return *instance;
}

namespace {
// One name per TPM, however its tcti string is spelled; empty for the platform's own.
std::string CanonicalName(const std::string& tcti) {
  if (tcti.empty()) return tcti;
  std::string name = CanonicalTcti(ParseTcti(tcti));
  return name == "device" ? std::string() : name;
}
}  // namespace

std::shared_ptr<Connection> ConnectionRegistry::Acquire(const std::string& text) {
  const std::string tcti = CanonicalName(text);
  std::lock_guard lock(mutex_);
  Entry& entry = live_[tcti];
  if (entry.connection == nullptr) {
    auto left = leaving_.find(tcti);
    try {
      entry.connection = Connection::Start([tcti] { return OpenTransport(tcti); },
                                           left == leaving_.end() ? nullptr : left->second);
    } catch (const Error&) {
      live_.erase(tcti);
      throw;
    }
    if (left != leaving_.end()) leaving_.erase(left);
  }
  ++entry.shares;
  return entry.connection;
}

bool ConnectionRegistry::Release(const std::shared_ptr<Connection>& connection,
                                 std::function<void()> stopped) {
  bool last = false;
  {
    std::lock_guard lock(mutex_);
    for (auto entry = live_.begin(); entry != live_.end(); ++entry) {
      if (entry->second.connection != connection) continue;
      last = --entry->second.shares == 0;
      if (last) {
        leaving_[entry->first] = connection;
        live_.erase(entry);
      }
      break;
    }
  }
  if (last) {
    connection->Stop(std::move(stopped));
  } else if (stopped) {
    stopped();
  }
  return last;
}

void ConnectionRegistry::Shutdown() {
  std::vector<std::shared_ptr<Connection>> all;
  {
    std::lock_guard lock(mutex_);
    for (auto& [tcti, entry] : live_) all.push_back(std::move(entry.connection));
    for (auto& [tcti, connection] : leaving_) all.push_back(std::move(connection));
    live_.clear();
    leaving_.clear();
  }
  for (const auto& connection : all) connection->Stop(nullptr);
  for (const auto& connection : all) connection->WaitStopped();
}

}  // namespace tpm2

// One thread per TPM in the process, one job at a time (docs/architecture.md, "Threads").
#ifndef TPM2_CONNECTION_H_
#define TPM2_CONNECTION_H_

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "tpm2/client.h"
#include "tpm2/error.h"
#include "tpm2/transport.h"

namespace tpm2 {

// One use case, from the caller's copy of the arguments to its outcome.
class Job {
 public:
  virtual ~Job() = default;
  // On the connection's thread. Throws tpm2::Error.
  virtual void Run(Client& client) = 0;
  // Exactly once, whatever happens: on the connection's thread after Run(), or on the thread that
  // took the job out of the queue. No error means that Run() returned.
  virtual void Done(std::optional<Error> error) noexcept = 0;
};

class Connection : public std::enable_shared_from_this<Connection> {
 public:
  using Opener = std::function<std::unique_ptr<Transport>()>;

  // Starts the thread. It first waits for `predecessor` to have let go of the TPM: swtpm serves one
  // client, and /dev/tpm0 answers EBUSY to a second one.
  static std::shared_ptr<Connection> Start(Opener opener,
                                           std::shared_ptr<Connection> predecessor = nullptr);
  ~Connection();

  // `owner` groups jobs, `ticket` tells one of them (0: it will not be cancelled). Jobs start in
  // the order in which they were posted.
  void Post(std::shared_ptr<Job> job, const void* owner, uint64_t ticket);

  // A queued job is Done() with `error` at once. For a running one the TPM is asked to give up,
  // and no further command of it is sent but what cleans up; it is Done() when that is over.
  void Cancel(const void* owner, uint64_t ticket, const Error& error);
  // The queued jobs of an owner; a running one goes on.
  void CancelQueued(const void* owner, const Error& error);
  // As Cancel(), for all that the owner has.
  void Abandon(const void* owner, const Error& error);

  // True once the TPM has answered and as long as the transport is open.
  bool Answered() const { return answered_.load(); }
  // True while a job runs or waits: a further one would wait behind it.
  bool Busy();

  // No further jobs. What is queued is Done() with CLOSED, what runs is cancelled where the TPM
  // has never answered; objects are flushed, the transport closed. `stopped` is called at the end,
  // on the connection's thread.
  void Stop(std::function<void()> stopped);
  // Blocks until the thread has let go of the TPM. After a grace the transport is interrupted, so
  // that a peer that never answers cannot hold up a process's exit. The slowest single command
  // known is an RSA key generation on a chip, well under a minute.
  void WaitStopped(std::chrono::milliseconds grace = std::chrono::seconds(60));

 private:
  struct Queued {
    std::shared_ptr<Job> job;
    const void* owner;
    uint64_t ticket;
  };

  Connection() = default;
  void ThreadMain(Opener opener, std::shared_ptr<Connection> predecessor);
  bool Next(Client& client, Queued& next);
  void RunOne(Client& client, const Queued& queued);
  void Checkpoint(Client& client);
  void WatchSide(Transport* side);
  std::shared_ptr<Transport> Open(const Opener& opener);
  template <typename Predicate>
  void RemoveQueued(Predicate matches, const Error& error);
  template <typename Predicate>
  void StopRunning(Predicate matches);

  std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<Queued> queue_;
  Queued running_{};
  bool cancel_running_ = false;
  bool stopping_ = false;
  bool stopped_ = false;
  std::vector<std::function<void()>> on_stopped_;
  std::shared_ptr<Transport> transport_;  // for Cancel() and Interrupt() from other threads
  // Where else the running job has sent a command. Used under mutex_ only: its owner takes it away
  // under mutex_ before it ends.
  Transport* side_ = nullptr;
  std::atomic<bool> answered_{false};
};

// The process's connections, one per tcti, counted by share.
class ConnectionRegistry {
 public:
  // Never destroyed: threads may outlive static objects.
  static ConnectionRegistry& Instance();

  // Empty: the platform's own TPM. Two spellings of one tcti share. INVALID_ARGUMENT for none.
  std::shared_ptr<Connection> Acquire(const std::string& text);
  // True when it was the last share; `stopped` is called when the thread has let go of the TPM, or
  // at once when other shares are left.
  bool Release(const std::shared_ptr<Connection>& connection, std::function<void()> stopped);
  // Stops all connections and waits for them: for the end of the process.
  void Shutdown();

 private:
  struct Entry {
    std::shared_ptr<Connection> connection;
    size_t shares = 0;
  };
  std::mutex mutex_;
  std::map<std::string, Entry> live_;
  std::map<std::string, std::shared_ptr<Connection>> leaving_;
};

}  // namespace tpm2

#endif  // TPM2_CONNECTION_H_

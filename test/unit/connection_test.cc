// The connection's thread: order, cancellation, stopping; with a TPM that answers when it is told
// to.
#include "tpm2/connection.h"

#include <gtest/gtest.h>

#include <future>
#include <mutex>
#include <thread>

#include "support/gated_transport.h"
#include "support/scripted_transport.h"
#include "tpm2/commands/system.h"

namespace tpm2::testing {
namespace {

// Asks for random numbers and keeps how it ended.
class RandomJob : public Job {
 public:
  explicit RandomJob(std::function<void()> on_run = {}, int commands = 1)
      : on_run_(std::move(on_run)), commands_(commands) {}
  void Run(Client& client) override {
    if (on_run_) on_run_();
    for (int i = 0; i < commands_; ++i) client.Run(GetRandom());
  }
  void Done(std::optional<Error> error) noexcept override {
    ++done_;
    outcome_.set_value(std::move(error));
  }
  std::optional<Error> Wait() {
    std::optional<Error> error = outcome_.get_future().get();
    EXPECT_EQ(done_, 1);
    return error;
  }
  // The code that it failed with; nothing for success.
  std::optional<ErrorCode> Code() {
    std::optional<Error> error = Wait();
    return error ? std::optional(error->code) : std::nullopt;
  }

 private:
  std::function<void()> on_run_;
  int commands_;
  std::atomic<int> done_{0};
  std::promise<std::optional<Error>> outcome_;
};

const Error kStopIt(ErrorCode::kAborted, "stop it");

class ConnectionTest : public ::testing::Test {
 protected:
  ~ConnectionTest() override {
    gate->Open();
    if (connection != nullptr) {
      connection->Stop(nullptr);
      connection->WaitStopped();
    }
    EXPECT_EQ(*alive, 0) << "a transport is left";
  }
  Connection::Opener Opener() {
    return [gate = gate, alive = alive] { return std::make_unique<GatedTransport>(gate, alive); };
  }
  std::shared_ptr<RandomJob> Post(const void* owner = nullptr, uint64_t ticket = 0,
                                  std::function<void()> on_run = {}, int commands = 1) {
    auto job = std::make_shared<RandomJob>(std::move(on_run), commands);
    connection->Post(job, owner, ticket);
    return job;
  }
  // The connection has had an answer: only then is a running command cancelled, not interrupted.
  void Answered() {
    EXPECT_EQ(Post()->Code(), std::nullopt);
    EXPECT_TRUE(connection->Answered());
  }

  std::shared_ptr<Gate> gate = std::make_shared<Gate>();
  std::shared_ptr<std::atomic<int>> alive = std::make_shared<std::atomic<int>>(0);
  std::shared_ptr<Connection> connection = Connection::Start(Opener());
};

TEST_F(ConnectionTest, JobsRunInTheOrderOfPosting) {
  std::mutex mutex;
  std::vector<int> order;
  gate->Close();
  std::vector<std::shared_ptr<RandomJob>> jobs;
  for (int i = 0; i < 20; ++i) {
    jobs.push_back(Post(nullptr, 0, [&mutex, &order, i] {
      const std::lock_guard lock(mutex);
      order.push_back(i);
    }));
  }
  gate->Open();
  for (const auto& job : jobs) EXPECT_EQ(job->Code(), std::nullopt);
  for (int i = 0; i < 20; ++i) EXPECT_EQ(order[static_cast<size_t>(i)], i);
}

TEST_F(ConnectionTest, AQueuedJobIsCancelledAtOnce) {
  Answered();
  int owner = 0;
  gate->Close();
  auto running = Post();
  gate->WaitUntilHeld();
  auto queued = Post(&owner, 7);
  auto stays = Post(&owner, 8);
  auto other = Post(&gate, 7);
  connection->Cancel(&owner, 7, kStopIt);
  EXPECT_EQ(queued->Wait()->message, "stop it");  // while the other one still runs
  EXPECT_EQ(gate->cancels(), 0u);
  EXPECT_TRUE(connection->Busy());
  gate->Open();
  EXPECT_EQ(running->Code(), std::nullopt);
  EXPECT_EQ(stays->Code(), std::nullopt);
  EXPECT_EQ(other->Code(), std::nullopt);
  EXPECT_FALSE(connection->Busy());
}

TEST_F(ConnectionTest, ARunningJobIsCancelledInTheTpm) {
  Answered();
  int owner = 0;
  gate->Close();
  auto running = Post(&owner, 7);
  gate->WaitUntilHeld();
  connection->Cancel(&owner, 8, kStopIt);  // nobody's ticket
  EXPECT_EQ(gate->cancels(), 0u);
  connection->Cancel(&owner, 7, kStopIt);
  EXPECT_EQ(running->Code(), ErrorCode::kAborted);
  gate->Open();
  EXPECT_EQ(Post()->Code(), std::nullopt);  // the connection goes on
  EXPECT_FALSE(gate->interrupted());
}

// A job that sends its command another way, as those do that belong to Windows' key provider.
class SideJob : public RandomJob {
 public:
  explicit SideJob(std::unique_ptr<Transport> transport) : transport_(std::move(transport)) {}
  void Run(Client& client) override {
    SideWay way(client, *transport_);
    way.executor().Run(GetRandom());
  }

 private:
  std::unique_ptr<Transport> transport_;
};

// Also where it is the first of all, so that the TPM has answered nothing on the usual way.
TEST_F(ConnectionTest, ACommandBesideIsCancelledWhereItIs) {
  int owner = 0;
  auto beside = std::make_shared<Gate>();
  for (int round = 0; round < 2; ++round) {
    beside->Close();
    auto job = std::make_shared<SideJob>(std::make_unique<GatedTransport>(beside, alive));
    connection->Post(job, &owner, 7);
    beside->WaitUntilHeld();
    connection->Cancel(&owner, 7, kStopIt);
    EXPECT_EQ(job->Code(), ErrorCode::kAborted);
    beside->Open();
    EXPECT_EQ(beside->cancels(), static_cast<size_t>(round + 1));
    EXPECT_FALSE(gate->interrupted());
    EXPECT_EQ(Post(&owner, 7)->Code(), std::nullopt);
  }
  connection->Cancel(&owner, 7, kStopIt);
  EXPECT_EQ(beside->cancels(), 2u);  // it is over
}

// Where the TPM cannot be asked to give up, the command ends, but no further one of the job is
// sent.
TEST_F(ConnectionTest, NoFurtherCommandOfACancelledJobIsSent) {
  Answered();
  gate->CannotCancel();
  int owner = 0;
  gate->Close();
  auto running = Post(&owner, 7, {}, 5);
  gate->WaitUntilHeld();
  const size_t before = gate->commands();
  connection->Cancel(&owner, 7, kStopIt);
  gate->Open();
  EXPECT_EQ(running->Code(), ErrorCode::kAborted);
  EXPECT_EQ(gate->commands(), before + 1);
  EXPECT_EQ(Post()->Code(), std::nullopt);
}

TEST_F(ConnectionTest, AbandonEndsAllOfAnOwner) {
  Answered();
  int owner = 0, other = 0;
  gate->Close();
  auto running = Post(&owner, 1);
  gate->WaitUntilHeld();
  auto queued = Post(&owner, 2);
  auto others = Post(&other, 3);
  connection->Abandon(&owner, kStopIt);
  EXPECT_EQ(queued->Code(), ErrorCode::kAborted);
  EXPECT_EQ(running->Code(), ErrorCode::kAborted);
  gate->Open();
  EXPECT_EQ(others->Code(), std::nullopt);
}

TEST_F(ConnectionTest, CancelQueuedLeavesTheRunningOne) {
  Answered();
  int owner = 0;
  gate->Close();
  auto running = Post(&owner, 1);
  gate->WaitUntilHeld();
  auto queued = Post(&owner, 2);
  connection->CancelQueued(&owner, kStopIt);
  EXPECT_EQ(queued->Code(), ErrorCode::kAborted);
  gate->Open();
  EXPECT_EQ(running->Code(), std::nullopt);
}

TEST_F(ConnectionTest, StopRejectsWhatIsQueued) {
  Answered();
  gate->Close();
  auto running = Post();
  gate->WaitUntilHeld();
  auto queued = Post();
  std::promise<void> stopped;
  connection->Stop([&stopped] { stopped.set_value(); });
  EXPECT_EQ(queued->Code(), ErrorCode::kClosed);
  EXPECT_EQ(Post()->Code(), ErrorCode::kClosed);  // on this thread
  gate->Open();
  EXPECT_EQ(running->Code(), std::nullopt);
  stopped.get_future().get();
  connection->WaitStopped();
  EXPECT_EQ(*alive, 0);
  bool again = false;
  connection->Stop([&again] { again = true; });
  EXPECT_TRUE(again);
}

// A peer that takes the command and never answers, not even once: nothing of ours can be there.
TEST_F(ConnectionTest, StopInterruptsATpmThatNeverAnswered) {
  gate->Close();
  auto running = Post();
  gate->WaitUntilHeld();
  connection->Stop(nullptr);
  EXPECT_EQ(running->Code(), ErrorCode::kClosed);
  connection->WaitStopped();
  EXPECT_TRUE(gate->interrupted());
}

// The end of the process must come, whatever hangs.
TEST_F(ConnectionTest, WaitStoppedInterruptsAfterItsGrace) {
  Answered();
  gate->Close();
  auto running = Post();
  gate->WaitUntilHeld();
  connection->Stop(nullptr);
  EXPECT_FALSE(gate->interrupted());
  connection->WaitStopped(std::chrono::milliseconds(20));
  EXPECT_TRUE(gate->interrupted());
  EXPECT_EQ(running->Code(), ErrorCode::kClosed);
}

TEST_F(ConnectionTest, ASuccessorWaitsForItsPredecessor) {
  Answered();
  gate->Close();
  auto running = Post();
  gate->WaitUntilHeld();
  connection->Stop(nullptr);

  std::atomic<bool> opened{false};
  auto second_gate = std::make_shared<Gate>();
  auto successor = Connection::Start(
      [&opened, second_gate, alive = alive] {
        EXPECT_EQ(*alive, 0) << "two clients at once";
        opened = true;
        return std::make_unique<GatedTransport>(second_gate, alive);
      },
      connection);
  auto job = std::make_shared<RandomJob>();
  successor->Post(job, nullptr, 0);
  EXPECT_FALSE(opened);
  gate->Open();
  EXPECT_EQ(running->Code(), std::nullopt);
  EXPECT_EQ(job->Code(), std::nullopt);
  EXPECT_TRUE(opened);
  successor->Stop(nullptr);
  successor->WaitStopped();
}

TEST_F(ConnectionTest, AnOpenerThatFailsFailsTheJob) {
  int tries = 0;
  auto failing = Connection::Start([&tries]() -> std::unique_ptr<Transport> {
    ++tries;
    throw Error(ErrorCode::kTpmUnavailable, "no TPM here");
  });
  for (int i = 0; i < 2; ++i) {
    auto job = std::make_shared<RandomJob>();
    failing->Post(job, nullptr, 0);
    EXPECT_EQ(job->Code(), ErrorCode::kTpmUnavailable);
  }
  failing->Stop(nullptr);
  failing->WaitStopped();
  EXPECT_EQ(tries, 2);
}

TEST_F(ConnectionTest, ALostTransportIsOpenedAgain) {
  Answered();
  gate->Interrupt();
  auto job = Post();
  EXPECT_EQ(job->Code(), ErrorCode::kClosed);
}

TEST_F(ConnectionTest, ForeignExceptionsAreErrorsToo) {
  class Throwing : public Job {
   public:
    void Run(Client&) override { throw std::bad_alloc(); }
    void Done(std::optional<Error> error) noexcept override { code.set_value(error->code); }
    std::promise<ErrorCode> code;
  };
  auto job = std::make_shared<Throwing>();
  connection->Post(job, nullptr, 0);
  EXPECT_EQ(job->code.get_future().get(), ErrorCode::kResourceExhausted);
}

TEST_F(ConnectionTest, AHundredPostsFromFourThreads) {
  std::vector<std::thread> threads;
  std::atomic<int> right{0}, stopped{0};
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&, t] {
      int owner = t;
      std::vector<std::shared_ptr<RandomJob>> jobs;
      for (uint64_t i = 1; i <= 100; ++i) {
        jobs.push_back(Post(&owner, i));
        if (i % 7 == 0) connection->Cancel(&owner, i, kStopIt);
      }
      for (const auto& job : jobs) job->Code() ? ++stopped : ++right;
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(right + stopped, 400);
  EXPECT_GE(right, 4 * 86);
}

TEST_F(ConnectionTest, StopWhileOthersPost) {
  std::vector<std::thread> threads;
  for (int t = 0; t < 3; ++t) {
    threads.emplace_back([&] {
      for (int i = 0; i < 50; ++i) {
        const std::optional<ErrorCode> code = Post()->Code();
        EXPECT_TRUE(!code || code == ErrorCode::kClosed || code == ErrorCode::kAborted);
      }
    });
  }
  connection->Stop(nullptr);
  for (std::thread& thread : threads) thread.join();
  connection->WaitStopped();
}

// --- the registry --------------------------------------------------------------------------------

TEST(ConnectionRegistryTest, SharesAreCounted) {
  ConnectionRegistry registry;
  const std::string nowhere = "swtpm:path=/nonexistent/socket";
  auto a = registry.Acquire(nowhere);
  EXPECT_EQ(registry.Acquire(nowhere), a);
  EXPECT_NE(registry.Acquire("swtpm:path=/nonexistent/other"), a);
  bool told = false;
  EXPECT_FALSE(registry.Release(a, [&told] { told = true; }));
  EXPECT_TRUE(told);

  auto job = std::make_shared<RandomJob>();
  a->Post(job, nullptr, 0);
  EXPECT_EQ(job->Code(), ErrorCode::kTpmUnavailable);

  std::promise<void> stopped;
  EXPECT_TRUE(registry.Release(a, [&stopped] { stopped.set_value(); }));
  stopped.get_future().get();
  EXPECT_NE(registry.Acquire(nowhere), a);
  registry.Shutdown();
}

}  // namespace
}  // namespace tpm2::testing

// A store that does not answer costs a takeover, or a stop, a moment.
#include "stream/shared_snapshots.h"

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>

#include "base/simulated_files.h"

namespace paywarden {
namespace {

using Steady = std::chrono::steady_clock;

// Objects that all stores of a test share; calls hang until they are cancelled while `hangs`.
struct Remote {
  std::mutex mutex;
  std::map<std::string, std::string> objects;
  std::atomic<bool> hangs{false};
  std::atomic<int> opened{0}, calls{0};
};

class RemoteStore : public ObjectStore {
 public:
  explicit RemoteStore(Remote& remote) : remote_(remote) { ++remote_.opened; }
  Status put(const std::string& name, std::string_view bytes) override {
    TRY(answer());
    std::lock_guard lock(remote_.mutex);
    remote_.objects[name] = bytes;
    return {};
  }
  Result<std::string> get(const std::string& name) override {
    TRY(answer());
    std::lock_guard lock(remote_.mutex);
    return remote_.objects.at(name);
  }
  Result<std::vector<std::string>> list(const std::string& prefix) override {
    TRY(answer());
    std::lock_guard lock(remote_.mutex);
    std::vector<std::string> out;
    for (const auto& [name, bytes] : remote_.objects)
      if (name.starts_with(prefix)) out.push_back(name);
    return out;
  }
  Status remove(const std::string& name) override {
    TRY(answer());
    std::lock_guard lock(remote_.mutex);
    remote_.objects.erase(name);
    return {};
  }
  void cancel() override { cancelled_ = true; }

 private:
  Status answer() const {
    ++remote_.calls;
    while (remote_.hangs && !cancelled_) std::this_thread::sleep_for(std::chrono::milliseconds(1));
    if (cancelled_) return fail("cancelled");
    return {};
  }
  Remote& remote_;
  std::atomic<bool> cancelled_{false};
};

class SharedSnapshotsTest : public ::testing::Test {
 protected:
  void SetUp() override {
    ASSERT_TRUE(files_.make_directory("local"));
    ASSERT_TRUE(replace_whole(files_, "local/7", "seven"));
  }
  std::unique_ptr<SharedSnapshots> shared(SharedSnapshotsOptions options) {
    return std::make_unique<SharedSnapshots>(
        [this]() -> Result<std::unique_ptr<ObjectStore>> {
          return std::make_unique<RemoteStore>(remote_);
        },
        files_, "g", log_, options);
  }
  Result<uint64_t> fetch(SharedSnapshots& snapshots) {
    return snapshots.fetch("payments-0", 100, 0, [](uint64_t sequence) {
      return "local/fetched-" + std::to_string(sequence);
    });
  }

  SimulatedFiles files_{1};
  SilentLog log_;
  Remote remote_;
};

const SharedSnapshotsOptions kShort = {milliseconds(20), milliseconds(20), seconds(2),
                                       milliseconds(50)};

TEST_F(SharedSnapshotsTest, WhatOneOffersAnotherFetches) {
  auto one = shared({}), other = shared({});
  one->offer("payments-0", "local/7", 7, 2);
  one->finish(seconds(20));
  auto fetched = fetch(*other);
  ASSERT_TRUE(fetched) << fetched.error().line();
  EXPECT_EQ(*fetched, 7u);
  EXPECT_EQ(*read_whole(files_, "local/fetched-7"), "seven");
}

TEST_F(SharedSnapshotsTest, AStoreThatHangsIsGivenUpAndLeftOutForAWhile) {
  auto one = shared(kShort);
  remote_.hangs = true;
  EXPECT_FALSE(fetch(*one));
  int calls = remote_.calls;
  auto again = fetch(*one);
  ASSERT_FALSE(again);
  EXPECT_NE(again.error().line().find("left out for now"), std::string::npos);
  EXPECT_EQ(remote_.calls, calls) << "not asked";
  remote_.hangs = false;
  std::this_thread::sleep_for(std::chrono::milliseconds(2100));
  auto later = fetch(*one);
  ASSERT_TRUE(later) << later.error().line();
  EXPECT_EQ(*later, 0u) << "there is none";
}

TEST_F(SharedSnapshotsTest, AStopDoesNotWaitForAStoreThatHangs) {
  remote_.hangs = true;
  auto one = shared(kShort);
  one->offer("payments-0", "local/7", 7, 2);
  one->offer("payments-1", "local/7", 7, 2);
  while (remote_.calls == 0) std::this_thread::sleep_for(std::chrono::milliseconds(1));
  one.reset();  // else this test never ends
  EXPECT_TRUE(remote_.objects.empty());
}

}  // namespace
}  // namespace paywarden

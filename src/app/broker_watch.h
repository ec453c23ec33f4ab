// Whether the brokers answer, with a connection of its own: waited for at the start, and looked at from then on.
//
//   TRY_ASSIGN(auto watch, BrokerWatch::create(client_options, log));
//   TRY(watch->wait([&] { return stop_asked; }));     // until one answers; an error: they refuse us
//   watch->look();                                    // now and then, by one thread
//   if (watch->away()) ...                            // any thread
#pragma once

#include <atomic>
#include <functional>
#include <memory>

#include "kafka/client.h"

namespace paywarden {

class BrokerWatch {
 public:
  static Result<std::unique_ptr<BrokerWatch>> create(const KafkaClientOptions& options,
                                                     OperatorLog& log);
  // A power cut starts programs before their brokers: what only does not answer is waited for, and that is said. A password or a
  // certificate that is refused is an error at once.
  Status wait(const std::function<bool()>& stopping);
  // Every kLookEvery at most, for kLookMost; says when they are gone, and when they are back.
  void look();
  bool away() const { return away_; }

 private:
  explicit BrokerWatch(OperatorLog& log) : log_(log) {}
  void say_away(const Error& why);
  void set_away(bool away, const Error& why);

  OperatorLog& log_;
  std::unique_ptr<KafkaClient> client_;
  std::atomic<bool> away_{false};
  std::chrono::steady_clock::time_point looked_, away_since_;
};

}  // namespace paywarden

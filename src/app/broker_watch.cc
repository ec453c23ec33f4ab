#include "app/broker_watch.h"

#include <thread>

namespace paywarden {
namespace {

constexpr Duration kTryFor = seconds(1);       // between looks at whether a stop is asked for
constexpr std::chrono::seconds kSayAfter{8};   // well within what people wait for an error
constexpr std::chrono::seconds kSayEvery{60};  // from then on
constexpr std::chrono::seconds kLookEvery{5};
constexpr Duration kLookMost = seconds(2);  // a stop waits so long

}  // namespace

Result<std::unique_ptr<BrokerWatch>> BrokerWatch::create(const KafkaClientOptions& options,
                                                         OperatorLog& log) {
  std::unique_ptr<BrokerWatch> watch(new BrokerWatch(log));
  TRY_ASSIGN(watch->client_, KafkaClient::create(RD_KAFKA_PRODUCER, options, {}, log));
  return watch;
}

Status BrokerWatch::wait(const std::function<bool()>& stopping) {
  auto say_at = std::chrono::steady_clock::now() + kSayAfter;
  while (!stopping()) {
    Status reached = client_->reach(kTryFor);
    if (reached) {
      set_away(false, {});
      return {};
    }
    if (client_->refused()) return reached;
    if (std::chrono::steady_clock::now() < say_at) continue;
    say_at = std::chrono::steady_clock::now() + kSayEvery;
    if (away_)
      say_away(reached.error());
    else
      set_away(true, reached.error());
  }
  return {};
}

void BrokerWatch::look() {
  auto now = std::chrono::steady_clock::now();
  if (now - looked_ < kLookEvery) return;
  looked_ = now;
  Status reached = client_->reach(kLookMost);
  set_away(!reached, reached ? Error() : reached.error());
}

void BrokerWatch::say_away(const Error& why) {
  log_.write(LogLevel::error, "brokers_away",
             {{"error", why.line()}, {"then", "it is tried until one answers"}});
}

void BrokerWatch::set_away(bool away, const Error& why) {
  if (away_.exchange(away) == away) return;
  auto now = std::chrono::steady_clock::now();
  if (away) {
    away_since_ = now;
    return say_away(why);
  }
  auto took = std::chrono::duration_cast<std::chrono::seconds>(now - away_since_);
  log_.write(LogLevel::info, "brokers_answer", {{"after_s", std::to_string(took.count())}});
}

}  // namespace paywarden

// SIGTERM, SIGINT and SIGHUP, taken by a thread of its own, so that what they start is ordinary code.
//
//   Signals signals;   // first: in threads made before it, a library's too, these signals would end the program at once
//   ...                // until somebody handles them they end the program, as everywhere
//   Signals::Handling handling(signals, [&](int signal) { service.ask_to_stop(); });
#pragma once

#include <atomic>
#include <csignal>
#include <functional>
#include <mutex>
#include <thread>

namespace paywarden {

class Signals {
 public:
  using Handler = std::function<void(int signal)>;

  // What SIGHUP means to the program: the terminal is gone, or read files again. It decides what happens while nobody handles it.
  enum class HangUp { ends, reloads };
  explicit Signals(HangUp hang_up = HangUp::ends);
  ~Signals();

  // From here to its end; the handler runs on the signals' thread. Afterwards they are ignored: the program is ending.
  class Handling {
   public:
    Handling(Signals& signals, Handler handler) : signals_(signals) {
      signals_.handle(std::move(handler));
    }
    ~Handling() {
      signals_.handle([](int) {});
    }
    Handling(const Handling&) = delete;
    Handling& operator=(const Handling&) = delete;

   private:
    Signals& signals_;
  };

 private:
  void handle(Handler handler);
  void run();

  const HangUp hang_up_;
  std::atomic<bool> ending_{false};
  sigset_t set_;
  std::mutex
      mutex_;  // handler_; held while it runs, so that what it uses may be destroyed after handle()
  Handler handler_;
  std::thread thread_;
};

}  // namespace paywarden

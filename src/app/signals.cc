#include "app/signals.h"

#include <pthread.h>

namespace paywarden {
namespace {

constexpr int kEnd = SIGUSR1;  // wakes the thread for its end

void end_as_if_unhandled(int signal) {
  std::signal(signal, SIG_DFL);
  sigset_t one;
  sigemptyset(&one);
  sigaddset(&one, signal);
  pthread_sigmask(SIG_UNBLOCK, &one, nullptr);
  std::raise(signal);
}

}  // namespace

Signals::Signals(HangUp hang_up) : hang_up_(hang_up) {
  sigemptyset(&set_);
  for (int signal : {SIGTERM, SIGINT, SIGHUP, kEnd}) sigaddset(&set_, signal);
  pthread_sigmask(SIG_BLOCK, &set_, nullptr);  // inherited by all threads made later
  std::signal(SIGPIPE, SIG_IGN);
  thread_ = std::thread([this] { run(); });
}

Signals::~Signals() {
  ending_ = true;
  pthread_kill(thread_.native_handle(), kEnd);
  thread_.join();
}

void Signals::handle(Handler handler) {
  std::lock_guard lock(mutex_);
  handler_ = std::move(handler);
}

void Signals::run() {
  for (;;) {
    int signal = 0;
    sigwait(&set_, &signal);
    if (ending_) return;
    if (signal == kEnd) continue;  // somebody else's
    std::lock_guard lock(mutex_);
    if (!handler_ && signal == SIGHUP && hang_up_ == HangUp::reloads)
      continue;  // the files are read at the start anyway
    if (!handler_) return end_as_if_unhandled(signal);
    handler_(signal);
  }
}

}  // namespace paywarden

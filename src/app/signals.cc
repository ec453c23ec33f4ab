#include "app/signals.h"

#include <pthread.h>
#include <unistd.h>

namespace paywarden {
namespace {

constexpr int kEnd = SIGUSR1;  // ends the thread

void end_as_if_unhandled(int signal) {
  std::signal(signal, SIG_DFL);
  sigset_t one;
  sigemptyset(&one);
  sigaddset(&one, signal);
  pthread_sigmask(SIG_UNBLOCK, &one, nullptr);
  std::raise(signal);
}

}  // namespace

Signals::Signals() {
  sigemptyset(&set_);
  for (int signal : {SIGTERM, SIGINT, SIGHUP, kEnd}) sigaddset(&set_, signal);
  pthread_sigmask(SIG_BLOCK, &set_, nullptr);  // inherited by all threads made later
  std::signal(SIGPIPE, SIG_IGN);
  thread_ = std::thread([this] { run(); });
}

Signals::~Signals() {
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
    if (signal == kEnd) return;
    std::lock_guard lock(mutex_);
    if (!handler_) return end_as_if_unhandled(signal);
    handler_(signal);
  }
}

}  // namespace paywarden

// `paywarden serve` and `paywarden demo`.
#include <fmt/format.h>

#include <cstdio>
#include <filesystem>

#include "app/commands.h"
#include "app/json_log.h"
#include "app/progress.h"
#include "app/service.h"
#include "app/signals.h"
#include "app/stream_service.h"

namespace paywarden {
namespace {

// How long a stop may take once the log has failed; in order it takes a tenth of a second.
constexpr auto kFailureStopMost = std::chrono::seconds(5);
constexpr uint64_t kDemoHistory =
    300'000;  // 40 days of 5,000 customers: the longest window, and some to learn from

// What people need to begin with, shown once.
Status tell_ready(const std::string& url, const std::optional<std::string>& first_password,
                  const std::string& note, const std::string& ready_file) {
  if (first_password)
    fmt::print("\n  first login: user admin, password {}   (shown once)\n", *first_password);
  fmt::print("  {}   {}\n\n", url, note);
  std::fflush(stdout);
  if (ready_file.empty()) return {};
  PosixFiles files;
  return replace_whole(files, ready_file,
                       fmt::format("{}\n{}\n", url, first_password.value_or("")));
}

struct Serving {
  std::optional<Duration> run_for;
  std::string ready_file;
  bool demo = false;  // ends with a summary, and when its terminal is closed
};

Status serve(const Config& config, const Serving& serving, Signals& signals,
             const std::string& login_note) {
  JsonLog log;
  SystemClock clock;
  FailureExit failure_exit(kFailureStopMost);
  TRY_ASSIGN(auto service, Service::create(config, failure_exit, log, clock));
  Signals::Handling handling(signals, [&](int signal) {
    if (signal == SIGHUP && !serving.demo) return service->reload();
    service->ask_to_stop();
  });
  TRY(service->start());
  TRY(tell_ready(service->url(), service->first_password(), login_note, serving.ready_file));
  Status waited = service->wait(serving.run_for);
  uint64_t alerts = waited && serving.demo ? service->alerts_open() : 0;
  service->stop();
  TRY(waited);
  if (!serving.demo) return {};
  const EngineFigures& f = service->engine().figures();
  fmt::print("decided {} payments: {} approved, {} to review, {} declined; {} alerts are open\n",
             f.payments.load(), f.outcomes[0].load(), f.outcomes[1].load(), f.outcomes[2].load(),
             alerts);
  return {};
}

// One instance of a group on Kafka.
Status serve_stream(Config& config, const Serving& serving, Signals& signals) {
  JsonLog log;
  SystemClock clock;
  FailureExit failure_exit(kFailureStopMost);
  TRY_ASSIGN(auto service, StreamService::create(config, failure_exit, log, clock));
  Signals::Handling handling(signals, [&](int signal) {
    if (signal != SIGHUP) service->ask_to_stop();
  });
  TRY(service->start());
  if (service->stop_asked()) return {};
  TRY(tell_ready(service->url(), service->first_password(), "serving; stop with Ctrl-C",
                 serving.ready_file));
  Status waited = service->wait(serving.run_for);
  service->stop();
  return waited;
}

void use_port(Config& config, std::optional<int> port) {
  if (port) config.http.port = static_cast<uint16_t>(*port);
}

// History, a model, a warm log: made once, in the demo's data directory.
Status prepare_demo(const Config& config, const std::string& file) {
  namespace fs = std::filesystem;
  if (fs::exists(config.data_directory + "/journal") && fs::exists(config.model_directory))
    return {};
  std::string history = config.data_directory + "/history.ndjson";
  PosixFiles files;
  TRY(files.make_directory(config.data_directory));
  std::fprintf(stderr,
               "The first start makes %llu simulated payments, trains a model on them and keeps "
               "them as history.\n",
               static_cast<unsigned long long>(kDemoHistory));
  TRY(run_simulate({kDemoHistory, config.simulate.seed, config.simulate.customers,
                    config.simulate.merchants, history}));
  if (!fs::exists(config.model_directory)) {
    TRY(files.make_directory(fs::path(config.model_directory).parent_path().string()));
    TRY(run_train({file, config.model_directory, {history}, {}}));
  }
  TRY(run_backfill({file, {}, {history}}));
  return files.remove(history);  // card numbers: simulated ones, but they rest nowhere
}

}  // namespace

Status run_serve(const ServeCommand& command) {
  Signals signals(Signals::HangUp::reloads);
  TRY_ASSIGN(auto config, load_config(command.config));
  use_port(*config, command.port);
  if (config->log == LogKind::kafka)
    return serve_stream(*config, {command.run_for, command.ready_file, false}, signals);
  return serve(*config, {command.run_for, command.ready_file, false}, signals,
               "serving; stop with Ctrl-C");
}

Status run_demo(const DemoCommand& command) {
  Signals signals;  // before training makes threads that live on
  TRY_ASSIGN(auto config, load_config(command.config));
  use_port(*config, command.port);
  TRY(prepare_demo(*config, command.config));
  return serve(*config, {command.run_for, command.ready_file, true}, signals,
               fmt::format("simulated payments arrive at {} a second; stop with Ctrl-C",
                           config->simulate.rate));
}

}  // namespace paywarden

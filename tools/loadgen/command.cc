// Reads the arguments, feeds the load generator from the simulator, prints the report.
#include "command.h"

#include <CLI/CLI.hpp>
#include <fstream>
#include <iterator>

#include "base/clock.h"
#include "load_generator.h"
#include "simulator/simulator.h"

namespace paywarden {
namespace {

// In letters alone: digits of a time and a number side by side can look like a card number, and are then refused.
std::string in_letters(int64_t number) {
  std::string text;
  for (; number > 0; number /= 26) text.push_back(static_cast<char>('a' + number % 26));
  return text;
}

struct Arguments {
  std::string url, key_file, json_file, arrivals = "fixed", id_prefix;
  double rate = 1'000, duration_s = 10;
  int connections = 64;
  int64_t deadline_ms = 1'000;
  uint64_t seed = 1;
  uint32_t customers = SimulatorOptions{}.customers;
};

void declare(CLI::App& app, Arguments& arguments) {
  app.add_option("--url", arguments.url, "where the server listens: http://127.0.0.1:8080")
      ->required();
  app.add_option("--key", arguments.key_file, "file that holds the API key");
  app.add_option("--rate", arguments.rate, "payments a second")->capture_default_str();
  app.add_option("--seconds", arguments.duration_s, "how long to send")->capture_default_str();
  app.add_option("--connections", arguments.connections, "keep-alive connections")
      ->capture_default_str();
  app.add_option("--arrivals", arguments.arrivals,
                 "equal gaps, or random ones as of independent customers")
      ->check(CLI::IsMember({"fixed", "poisson"}))
      ->capture_default_str();
  app.add_option("--deadline-ms", arguments.deadline_ms,
                 "give a payment up this long after its intended time")
      ->capture_default_str();
  app.add_option("--seed", arguments.seed, "of the simulated payments")->capture_default_str();
  app.add_option("--customers", arguments.customers,
                 "simulated customers: the more, the fewer payments a card and the fewer of them "
                 "suspicious")
      ->capture_default_str();
  app.add_option(
      "--id-prefix", arguments.id_prefix,
      "begin of the payment ids; by default made of the time, so that no two runs repeat ids");
  app.add_option("--json", arguments.json_file, "write the report to this file as well");
}

Result<std::string> read_key(const std::string& path) {
  if (path.empty()) return std::string();
  std::ifstream file(path);
  std::string key;
  if (!(file >> key))
    return fail("holds no API key, or cannot be read", path,
                "give the file that holds it with --key");
  return key;
}

Result<LoadOptions> load_options(const Arguments& arguments, EventTime now) {
  LoadOptions options;
  TRY_ASSIGN(options.target, parse_target(arguments.url));
  TRY_ASSIGN(options.key, read_key(arguments.key_file));
  options.rate = arguments.rate;
  options.duration = milliseconds(static_cast<int64_t>(arguments.duration_s * 1000));
  options.connections = arguments.connections;
  options.arrivals = arguments.arrivals == "poisson" ? Arrivals::poisson : Arrivals::fixed;
  options.deadline = milliseconds(arguments.deadline_ms);
  options.seed = arguments.seed;
  options.start_time = now;
  return options;
}

Status write_report(const std::string& path, const LoadReport& report) {
  if (path.empty()) return {};
  std::ofstream file(path);
  if (!(file << report.json() << std::flush)) return fail("cannot write the report", path);
  return {};
}

Result<bool> measure(const Arguments& arguments, std::ostream& out) {
  EventTime now = SystemClock().now();
  TRY_ASSIGN(LoadOptions options, load_options(arguments, now));
  SimulatorOptions world{.seed = arguments.seed,
                         .customers = arguments.customers,
                         .start = now,
                         .id_prefix = arguments.id_prefix};
  if (world.id_prefix.empty()) world.id_prefix = "load-" + in_letters(now.ms()) + "-";
  TRY_ASSIGN(Simulator simulator, Simulator::create(world));
  SimulatedPayment payment;
  simulator.next(payment);  // plans a day of all customers: that must not delay the first sending
  auto body = [&](EventTime time, std::string& text) {
    payment.event_time = time;
    payment.append_json(text, Labels::left_out);
    simulator.next(payment);
  };
  auto progress = [&](const std::string& line) { out << line << std::endl; };
  TRY_ASSIGN(LoadReport report, run_load(options, body, progress));
  out << report.text();
  TRY(write_report(arguments.json_file, report));
  return report.clean();
}

}  // namespace

int run_loadgen(std::vector<std::string> arguments, std::ostream& out, std::ostream& err) {
  Arguments given;
  CLI::App app("Sends simulated payments at intended times and measures the answers from there.",
               "paywarden-loadgen");
  declare(app, given);
  try {
    std::reverse(arguments.begin(), arguments.end());  // as CLI11 wants them
    app.parse(arguments);
  } catch (const CLI::ParseError& error) {
    return app.exit(error, out, err) == 0 ? 0 : 2;
  }
  auto clean = measure(given, out);
  if (clean) return *clean ? 0 : 1;
  err << "paywarden-loadgen: " << clean.error().line() << "\n";
  return 2;
}

}  // namespace paywarden

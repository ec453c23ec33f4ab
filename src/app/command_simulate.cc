// `paywarden simulate`: labelled payments into a file.
#include <fmt/format.h>

#include "app/commands.h"
#include "app/output_file.h"
#include "app/progress.h"
#include "simulator/simulator.h"

namespace paywarden {
namespace {

bool is_csv(const std::string& path) {
  return path.ends_with(".csv") || path.ends_with(".csv.gz");
}

}  // namespace

Status run_simulate(const SimulateCommand& command) {
  SimulatorOptions options;
  options.seed = command.seed;
  options.customers = command.customers;
  options.merchants = command.merchants;
  TRY_ASSIGN(Simulator simulator, Simulator::create(options));
  TRY_ASSIGN(auto out, OutputFile::create(command.out));
  bool csv = is_csv(command.out);
  Progress progress("simulate");
  std::string text;
  if (csv) text = SimulatedPayment::csv_header();
  SimulatedPayment payment;
  for (uint64_t i = 0; i < command.payments; ++i) {
    simulator.next(payment);
    csv ? payment.append_csv(text) : payment.append_json(text);
    if (text.size() < (1u << 18) && i + 1 < command.payments) continue;
    if (!out->write(text))
      return fail("the payments cannot be written", command.out, "is the disk full?");
    text.clear();
    progress.show(i + 1, static_cast<double>(i + 1) / static_cast<double>(command.payments));
  }
  if (!out->write(text) || !out->close())
    return fail("the payments cannot be written", command.out, "is the disk full?");
  progress.finish(command.payments);
  return {};
}

}  // namespace paywarden

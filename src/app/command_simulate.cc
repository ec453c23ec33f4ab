// `paywarden simulate`: labelled payments into a file.
#include <fmt/format.h>
#include <zlib.h>

#include <cstdio>
#include <memory>

#include "app/commands.h"
#include "app/progress.h"
#include "simulator/simulator.h"

namespace paywarden {
namespace {

// Plain or gzip, by the file's name.
class Output {
 public:
  static Result<std::unique_ptr<Output>> create(const std::string& path) {
    auto output = std::unique_ptr<Output>(new Output);
    if (path.ends_with(".gz"))
      output->gzip_ = gzopen(path.c_str(), "wb6");
    else
      output->plain_ = std::fopen(path.c_str(), "wb");
    if (!output->gzip_ && !output->plain_)
      return fail("the file cannot be made", path, "does its folder exist?");
    return output;
  }
  ~Output() {
    if (gzip_) gzclose(gzip_);
    if (plain_) std::fclose(plain_);
  }
  bool write(const std::string& text) {
    if (gzip_)
      return gzwrite(gzip_, text.data(), static_cast<unsigned>(text.size())) ==
             static_cast<int>(text.size());
    return std::fwrite(text.data(), 1, text.size(), plain_) == text.size();
  }
  bool close() {
    bool done = gzip_ ? gzclose(gzip_) == Z_OK : std::fclose(plain_) == 0;
    gzip_ = nullptr;
    plain_ = nullptr;
    return done;
  }

 private:
  Output() = default;
  gzFile gzip_ = nullptr;
  std::FILE* plain_ = nullptr;
};

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
  TRY_ASSIGN(auto out, Output::create(command.out));
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

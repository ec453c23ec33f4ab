// `paywarden export`: the rows that `train` would train on, for training elsewhere.
#include <fmt/format.h>

#include <cmath>
#include <iterator>

#include "app/commands.h"
#include "app/output_file.h"
#include "app/progress.h"
#include "app/replayed_rows.h"

namespace paywarden {

// Floats are written so that they read back to the same bits; a missing one is nothing between two commas.
Status run_export(const ExportCommand& command) {
  TRY_ASSIGN(auto config, load_config(command.config));
  TRY_ASSIGN(auto out, OutputFile::create(command.out));
  TRY_ASSIGN(Dataset rows, replayed_rows(*config, command.config, command.data, command.until));
  Progress progress("rows");
  std::string text = "event_time,is_fraud";
  for (const std::string& name : config->features.names()) text += ',' + name;
  bool written = true;
  for (size_t i = 0; i < rows.rows() && written; ++i) {
    text += fmt::format("\n{},{:d}", format_rfc3339(rows.time(i)), rows.is_fraud(i));
    for (size_t f = 0; f < rows.columns(); ++f) {
      text += ',';
      if (!std::isnan(rows.row(i)[f]))
        fmt::format_to(std::back_inserter(text), "{}", rows.row(i)[f]);
    }
    if (i % 1024 != 1023) continue;
    written = out->write(text);
    text.clear();
    progress.show(i + 1, static_cast<double>(i + 1) / static_cast<double>(rows.rows()));
  }
  text += '\n';
  if (!written || !out->write(text) || !out->close())
    return fail("the rows cannot be written", command.out, "is the disk full?");
  progress.finish(rows.rows());
  progress.say("rows written to " + command.out);
  return {};
}

}  // namespace paywarden

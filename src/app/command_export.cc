// `paywarden export`: the rows that `train` would train on, for training elsewhere.
#include "app/commands.h"
#include "app/output_file.h"
#include "app/output_guard.h"
#include "app/progress.h"
#include "app/replayed_rows.h"
#include "app/row_format.h"
#include "app/setup.h"

namespace paywarden {

Status run_export(const ExportCommand& command) {
  TRY_ASSIGN(ExportFormat format, export_format(command.format, command.out));
  TRY_ASSIGN(auto config, load_config(command.config));
  TRY(check_output(command.out, {{command.config}, command.data, files_of(*config)}));
  if (format == ExportFormat::csv && command.codec != "deflate")
    return fail("--codec is of Avro's blocks, and this is CSV", command.out,
                "leave it out; a name that ends with .csv.gz is compressed");
  TRY_ASSIGN(auto out, OutputFile::create(command.out));
  TRY_ASSIGN(Dataset rows, replayed_rows(*config, command.config, command.data, command.until));
  Progress progress("rows");
  auto encoded = new_row_format(format, config->features.specs(), config->base_currency.code(),
                                {.compressed = command.codec == "deflate", .name = command.out});
  std::string bytes;
  bool written = true;
  for (size_t i = 0; i < rows.rows() && written; ++i) {
    encoded->add(rows, i, bytes);
    if (i % 1024 != 1023) continue;
    written = out->write(bytes);
    bytes.clear();
    progress.show(i + 1, static_cast<double>(i + 1) / static_cast<double>(rows.rows()));
  }
  encoded->finish(bytes);
  if (!written || !out->write(bytes) || !out->close())
    return fail("the rows cannot be written", command.out, "is the disk full?");
  progress.finish(rows.rows());
  progress.say("rows written to " + command.out);
  return {};
}

}  // namespace paywarden

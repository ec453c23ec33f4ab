// What several commands need from a configuration: the card key, files to read, a core.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "app/config.h"
#include "base/clock.h"
#include "engine/bundle_model.h"
#include "intake/file_source.h"
#include "intake/rejects.h"
#include "intake/tokeniser.h"

namespace paywarden {

// From intake.card_key_file, else the variable PAYWARDEN_CARD_KEY, else <data directory>/card.key.
enum class CardKeyFor {
  log,  // made (32 random bytes, mode 0600) where there is none; refused where the log's tokens are of another key
  this_run,  // one for this run alone where there is none: features do not depend on it
};
Result<Tokeniser> load_card_key(const Config& config, CardKeyFor purpose);

// A token of what no card's number can be: says nothing about the key, and is the same for the same key alone.
std::string card_key_fingerprint(const Tokeniser& key);

// What else than data and models is read because the configuration says so: rules, lists, the card key.
std::vector<std::string> files_of(const Config& config);

// Data files as a stream, with rejects counted and kept beside the configuration's data.
struct DataFiles {
  std::unique_ptr<Rejects> rejects;
  std::unique_ptr<FileSource> source;
};
Result<DataFiles> open_data(const Config& config, const Tokeniser& tokeniser,
                            const std::vector<std::string>& paths, Clock& clock);
// The same files once more: what is rejected was counted and kept the first time.
Result<std::unique_ptr<FileSource>> open_data_again(const Config& config,
                                                    const Tokeniser& tokeniser,
                                                    const std::vector<std::string>& paths);

class Progress;

// Says of data that were read what was rejected, by reason and with the first place of each, and which columns of the schema a table did
// not have. An error where all was rejected: then it is the wrong file, or the wrong schema. All files are read.
Status tell_of_data(const DataFiles& data, Progress& progress);
// Where reading failed, as at a damaged place: says what was rejected before it. The failure, as it is handed on, stays the error.
tl::unexpected<Error> tell_of_failure(Error failure, const DataFiles& data, Progress& progress);

// A core with the configuration's rates, rules, lists, mode and `model` (may be null): what replay starts from, and what
// serve writes into a fresh log as its first changes.
Result<std::vector<Change>> read_changes(const Config& config, const Model* model, EventTime now);
// Whether the core does not know it yet. A list that is there is not replaced: people change lists while it runs.
bool is_new(const Change& change, const Core& core);
// Logs the configured exchange rates where the log has others: amounts in its records need them. The engine runs.
Status log_rates(Engine& engine, const Config& config, Clock& clock);
// Gives a work to a running engine and waits for its answer, which must be `expected`.
Status submit_and_wait(Engine& engine, Work work, Answer::Kind expected);
// `own`: as Core::create() takes it.
Result<std::unique_ptr<Core>> configured_core(const Config& config,
                                              std::shared_ptr<const Model> model,
                                              const FeatureSet* own = nullptr);

// A key or a password in a file, without the end of its line.
Result<std::string> read_secret_file(const std::string& path, const std::string& what);

// The first problem of the parts that are read from files beside the configuration (rules, lists).
Result<std::string> read_text_file(
    const std::string& path, const std::string& what,
    const std::string& remedy = "put it there, or correct its name in the configuration");

}  // namespace paywarden

// The commands of the program: each takes its parsed options and answers the exit code, or an error that main prints as
// one line. 0: done; 1: not done, the line says why; 2: the command line was wrong.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/time.h"

namespace paywarden {

struct SimulateCommand {
  uint64_t payments = 100'000, seed = 1;
  uint32_t customers = 5'000, merchants = 2'000;
  std::string out;  // .ndjson or .csv, also .gz
};
Status run_simulate(const SimulateCommand& command);

struct TrainCommand {
  std::string config, out;
  std::vector<std::string> data;
  std::optional<EventTime> until;
};
Status run_train(const TrainCommand& command);

struct ExportCommand {
  std::string config, out;
  std::string format, codec = "deflate";  // format: csv, avro; empty: by the file's ending
  std::vector<std::string> data;
  std::optional<EventTime> until;
};
Status run_export(const ExportCommand& command);

struct ImportCommand {
  std::string config, model, out;
  double review_at = 0, decline_at = 0;
};
Status run_import(const ImportCommand& command);

struct ReplayCommand {
  std::string config, model, out;
  std::vector<std::string> data;
  std::optional<EventTime> from;
  bool no_reasons = false;
  bool archived = false;  // the files are of this configuration's archive
};
Status run_replay(const ReplayCommand& command);

struct EvaluateCommand {
  std::string config, decisions, out;
  std::string model;  // a bundle that drift is measured against; empty: none
  std::vector<std::string> data;
  std::optional<EventTime> from;
  bool shadow = false;  // what the shadow model said
};
Status run_evaluate(const EvaluateCommand& command);

struct BacktestCommand {
  std::string config, rules, model, out;  // rules, model: empty: the configuration's
  std::vector<std::string> data;
  std::optional<EventTime> from, until;
  bool archived = false;
  bool over_journal = false;  // instead of data: what stands in the log
  std::string journal;        // its directory; empty: the configuration's
  std::optional<Duration> genuine_after;
};
Status run_backtest(const BacktestCommand& command);

struct BackfillCommand {
  std::string config, pending_labels;
  std::vector<std::string> data;
  bool archived = false;
};
Status run_backfill(const BackfillCommand& command);

struct ExplainCommand {
  std::string config, model, payment_id;
  std::vector<std::string> data;
  bool archived = false;
};
Status run_explain(const ExplainCommand& command);

struct ServeCommand {
  std::string config;
  std::optional<int> port;
  std::optional<Duration> run_for;
  std::string ready_file;  // where the address is written once requests are taken
};
Status run_serve(const ServeCommand& command);

struct DemoCommand {
  std::string config = "config/demo.toml";
  std::optional<int> port;
  std::optional<Duration> run_for;
  std::string ready_file;
};
Status run_demo(const DemoCommand& command);

struct JournalCommand {
  std::string directory;
  std::optional<uint64_t> from;  // cut: at this record; else at the first damage
};
Status run_journal_verify(const JournalCommand& command);
Status run_journal_cut(const JournalCommand& command);

struct PromoteCommand {
  std::string url, key_file, model, reason, ca_file;
};
Status run_model_promote(const PromoteCommand& command);

struct AccountCommand {
  std::string config, name, role, password_file, id;
};
Status run_key_create(const AccountCommand& command);
Status run_key_list(const AccountCommand& command);
Status run_key_revoke(const AccountCommand& command);
Status run_user_add(const AccountCommand& command);
Status run_user_password(const AccountCommand& command);

}  // namespace paywarden

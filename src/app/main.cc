// The program: reads the command line, runs one command, prints its failure as one line.
#include <fmt/format.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <cstdio>
#include <cstdlib>
#include <functional>

#include "app/commands.h"
#include "app/row_format.h"
#include "base/spelling.h"

namespace paywarden {
namespace {

// A time or a span as an option's value.
CLI::Option* add_time(CLI::App& app, const std::string& name, std::optional<EventTime>& out,
                      const std::string& help) {
  return app.add_option_function<std::string>(
      name,
      [&out](const std::string& text) {
        auto time = parse_rfc3339(text);
        if (!time) throw CLI::ValidationError(time.error().line());
        out = *time;
      },
      help);
}

CLI::Option* add_span(CLI::App& app, const std::string& name, std::optional<Duration>& out,
                      const std::string& help) {
  return app.add_option_function<std::string>(
      name,
      [&out](const std::string& text) {
        auto span = parse_duration(text);
        if (!span) throw CLI::ValidationError(span.error().line());
        out = *span;
      },
      help);
}

// A number's type would take -1 for its largest value.
std::string check_not_negative(const std::string& number) {
  return number.starts_with('-') ? "'" + number + "' is below 0" : "";
}

std::string check_payments_name(const std::string& path) {
  std::string_view name = path;
  if (name.ends_with(".gz")) name.remove_suffix(3);
  return name.ends_with(".ndjson") || name.ends_with(".csv")
             ? ""
             : "'" + path + "' must end with .ndjson or .csv, either with .gz behind";
}

constexpr const char* kArchived =
    "The data files are NDJSON objects of this configuration's archive";

struct Commands {
  SimulateCommand simulate;
  TrainCommand train;
  ExportCommand export_rows;
  ImportCommand import_model;
  ReplayCommand replay;
  EvaluateCommand evaluate;
  BacktestCommand backtest;
  BackfillCommand backfill;
  ExplainCommand explain;
  ServeCommand serve;
  DemoCommand demo;
  JournalCommand journal;
  PromoteCommand promote;
  AccountCommand account;
  std::function<Status()> chosen;

  template <typename Command>
  CLI::App* add(CLI::App& parent, const std::string& name, const std::string& help,
                Command& command, Status (*run)(const Command&)) {
    CLI::App* sub = parent.add_subcommand(name, help);
    sub->callback([this, &command, run] { chosen = [&command, run] { return run(command); }; });
    return sub;
  }

  void add_data_commands(CLI::App& app) {
    auto* s = add(app, "simulate", "Write labelled synthetic payments into a file", simulate,
                  run_simulate);
    s->add_option("--payments", simulate.payments, "How many, to 10^12")
        ->required()
        ->check(CLI::Range(1.0, 1e12));
    s->add_option("--seed", simulate.seed, "The same seed gives the same bytes")
        ->check(check_not_negative);
    s->add_option("--customers", simulate.customers, "Size of the simulated world")
        ->check(check_not_negative);
    s->add_option("--merchants", simulate.merchants, "Size of the simulated world")
        ->check(check_not_negative);
    s->add_option("--out", simulate.out, "F.ndjson, F.csv, either with .gz")
        ->required()
        ->check(check_payments_name);

    auto* t = add(app, "train", "Train a model on history", train, run_train);
    t->add_option("--config", train.config, "Configuration file")->required();
    t->add_option("--data", train.data, "Data files, in order")->required();
    t->add_option("--out", train.out, "The bundle's directory")->required();
    add_time(*t, "--until", train.until, "Only payments before this time (UTC)");

    auto* o = add(app, "export", "Write the rows that train would train on, for training elsewhere",
                  export_rows, run_export);
    o->add_option("--config", export_rows.config, "Configuration file")->required();
    o->add_option("--data", export_rows.data, "Data files, in order")->required();
    o->add_option("--out", export_rows.out, "F.csv, F.csv.gz, F.avro")->required();
    o->add_option("--format", export_rows.format, "csv or avro; by default as the file ends")
        ->check(CLI::IsMember({"csv", "avro"}));
    o->add_option("--codec", export_rows.codec, "Of Avro's blocks: deflate or null")
        ->check(CLI::IsMember({"deflate", "null"}));
    o->parse_complete_callback([this] {
      auto format = export_format(export_rows.format, export_rows.out);
      if (!format) throw CLI::ValidationError(format.error().line());
    });
    add_time(*o, "--until", export_rows.until, "Only payments before this time (UTC)");

    auto* i = add(app, "import", "Make a bundle of a model that was trained elsewhere",
                  import_model, run_import);
    i->add_option("--config", import_model.config, "Configuration file")->required();
    i->add_option("--model", import_model.model, "XGBoost's .json or .ubj, LightGBM's text")
        ->required();
    i->add_option("--out", import_model.out, "The bundle's directory")->required();
    i->add_option("--review-at", import_model.review_at, "Scores from here on are reviewed")
        ->required()
        ->check(CLI::Range(0.0, 2.0));
    i->add_option("--decline-at", import_model.decline_at, "and declined; above 1: never")
        ->required()
        ->check(CLI::Range(0.0, 2.0));

    auto* r = add(app, "replay", "Decide the payments of files, as live ones would be", replay,
                  run_replay);
    r->add_option("--config", replay.config, "Configuration file")->required();
    r->add_option("--model", replay.model, "A bundle's directory")->required();
    r->add_option("--data", replay.data, "Data files, in order")->required();
    r->add_option("--out", replay.out, "Decisions, a JSON object a line")->required();
    r->add_flag("--archived", replay.archived, kArchived);
    r->add_flag("--no-reasons", replay.no_reasons, "Leave the reasons out");
    add_time(*r, "--from", replay.from,
             "Decisions from this time on; earlier payments warm the state");

    auto* e = add(app, "evaluate", "Measure decisions against labels and write a report", evaluate,
                  run_evaluate);
    e->add_option("--config", evaluate.config, "Configuration file (the schema of the data)")
        ->required();
    e->add_option("--decisions", evaluate.decisions, "What replay wrote")->required();
    e->add_option("--data", evaluate.data, "Data files with labels")->required();
    e->add_option("--out", evaluate.out, "Directory for report.html and metrics.json")->required();
    add_time(*e, "--from", evaluate.from, "Measure from this time on");
    e->add_option(
        "--model", evaluate.model,
        "The directory of the bundle that decided: what it goes by, and drift by day against "
        "its training");
    e->add_flag("--shadow", evaluate.shadow, "Measure what the shadow model said");

    auto* c = add(app, "backtest", "What other rules or another model would have decided", backtest,
                  run_backtest);
    c->add_option("--config", backtest.config, "Configuration file: what decides at present")
        ->required();
    c->add_option("--rules", backtest.rules, "Rules that are proposed");
    c->add_option("--model", backtest.model, "The directory of a bundle that is proposed");
    auto* files = c->add_option("--data", backtest.data, "Data files, in order");
    c->add_flag("--archived", backtest.archived, kArchived)->needs(files);
    auto* over_log = c->add_option_function<std::vector<std::string>>(
        "--journal",
        [this](const std::vector<std::string>& directory) {
          backtest.over_journal = true;
          if (!directory.empty()) backtest.journal = directory.front();
        },
        "Instead of files what stands in a log, beside what was decided then; by default the "
        "configuration's");
    over_log->expected(0, 1)->excludes(files);
    add_span(*c, "--genuine-after", backtest.genuine_after,
             "Payments of a log without a label after so long count as genuine")
        ->needs(over_log);
    add_time(*c, "--from", backtest.from,
             "Count from this time on; earlier payments warm the state");
    add_time(*c, "--until", backtest.until, "Only payments before this time");
    c->add_option("--out", backtest.out, "The figures as JSON, too");

    auto* x = add(app, "explain", "Show how one payment of files is scored, feature by feature",
                  explain, run_explain);
    x->add_option("--config", explain.config, "Configuration file")->required();
    x->add_option("--model", explain.model, "A bundle's directory")->required();
    x->add_option("--data", explain.data, "Data files, in order")->required();
    x->add_flag("--archived", explain.archived, kArchived);
    x->add_option("--payment", explain.payment_id, "The payment's id")->required();
  }

  void add_service_commands(CLI::App& app) {
    auto* b = add(app, "backfill", "Put history with its delayed labels into the log", backfill,
                  run_backfill);
    b->add_option("--config", backfill.config, "Configuration file")->required();
    b->add_option("--data", backfill.data, "Data files, in order")->required();
    b->add_flag("--archived", backfill.archived, kArchived);
    b->add_option("--pending-labels", backfill.pending_labels,
                  "Write labels that are due after the last payment here (NDJSON)");

    auto* s = add(app, "serve", "Take payments and decide them", serve, run_serve);
    s->add_option("--config", serve.config, "Configuration file")->required();
    s->add_option("--port", serve.port, "Instead of the configured one; 0: any")
        ->check(CLI::Range(0, 65535));
    s->add_option("--ready-file", serve.ready_file,
                  "Write the address here once requests are taken");
    add_span(*s, "--for", serve.run_for, "End after this time");

    auto* d = add(app, "demo", "Simulated live payments, a model trained on the first start", demo,
                  run_demo);
    d->add_option("--config", demo.config, "Configuration file");
    d->add_option("--port", demo.port, "Instead of the configured one; 0: any")
        ->check(CLI::Range(0, 65535));
    d->add_option("--ready-file", demo.ready_file,
                  "Write the address here once requests are taken");
    add_span(*d, "--for", demo.run_for, "End after this time");

    CLI::App* j = app.add_subcommand("journal", "Look at a journal, or cut it at a damage")
                      ->require_subcommand(1);
    auto* v = add(*j, "verify", "Read every byte and say whether it is whole", journal,
                  run_journal_verify);
    v->add_option("directory", journal.directory, "The journal's directory")->required();
    auto* c =
        add(*j, "cut", "Remove what follows a damage (kept beside it)", journal, run_journal_cut);
    c->add_option("directory", journal.directory, "The journal's directory")->required();
    c->add_option("--from", journal.from, "Cut at this record instead");
  }

  void add_model_commands(CLI::App& app) {
    CLI::App* m =
        app.add_subcommand("model", "The model of a running program")->require_subcommand(1);
    auto* p = add(*m, "promote", "Decide by this model from now on; going back is the same",
                  promote, run_model_promote);
    p->add_option("--url", promote.url, "Where the program serves, https://HOST:PORT")->required();
    p->add_option("--key-file", promote.key_file, "A file with an API key, role admin")->required();
    p->add_option("--model", promote.model, "The bundle's directory, on the program's machine")
        ->required();
    p->add_option("--reason", promote.reason, "Stands in the log beside the change");
    p->add_option("--ca-file", promote.ca_file, "PEM; by default the system's certificates");
  }

  void add_account_commands(CLI::App& app) {
    CLI::App* k = app.add_subcommand("key", "API keys")->require_subcommand(1);
    CLI::App* u =
        app.add_subcommand("user", "Users of the notification center")->require_subcommand(1);
    auto with_config = [this](CLI::App* sub) {
      sub->add_option("--config", account.config, "Configuration file")->required();
      return sub;
    };
    auto* create =
        with_config(add(*k, "create", "Make a key; it is shown once", account, run_key_create));
    create->add_option("--name", account.name, "Who uses it")->required();
    create->add_option("--role", account.role, "intake, observer, reader, analyst or admin")
        ->required();
    with_config(add(*k, "list", "Show all keys", account, run_key_list));
    with_config(add(*k, "revoke", "End a key", account, run_key_revoke))
        ->add_option("--id", account.id, "The key's id")
        ->required();
    auto* user = with_config(add(*u, "add", "Make a user", account, run_user_add));
    user->add_option("--name", account.name, "The user's name")->required();
    user->add_option("--role", account.role, "analyst or admin")->required();
    user->add_option("--password-file", account.password_file, "File that holds the password")
        ->required();
    auto* password = with_config(
        add(*u, "password", "Give a user another password", account, run_user_password));
    password->add_option("--name", account.name, "The user's name")->required();
    password->add_option("--password-file", account.password_file, "File that holds the password")
        ->required();
  }
};

// XGBoost's threads (OpenMP, libgomp) spin while they wait, which on a busy machine makes training many times slower. The
// library reads the setting when it is loaded, before main: so the program starts itself again with it.
void let_training_threads_sleep(char** argv) {
  if (std::getenv("OMP_WAIT_POLICY")) return;
  setenv("OMP_WAIT_POLICY", "passive", 1);
  char path[4096] = {};  // the program's own path, so that it keeps its name
  if (readlink("/proc/self/exe", path, sizeof path - 1) > 0) execv(path, argv);
  // where that fails, training is slower and nothing else
}

// What is wrong with the command line, in one line.
std::string complaint(const CLI::App& app, const CLI::ParseError& error) {
  std::vector<std::string> rest = app.remaining();
  if (!app.get_subcommands().empty() || rest.empty()) return error.what();
  std::vector<std::string> names;
  for (const CLI::App* sub : app.get_subcommands([](const CLI::App*) { return true; }))
    names.push_back(sub->get_name());
  std::vector<std::string_view> known(names.begin(), names.end());
  std::string_view near = nearest_word(rest.front(), known);
  return "there is no subcommand '" + rest.front() + "'" +
         (near.empty() ? "" : "; did you mean '" + std::string(near) + "'?");
}

int run(int argc, char** argv) {
  CLI::App app("Paywarden: watches payments and decides each one in real time", "paywarden");
  app.set_version_flag("--version", PAYWARDEN_VERSION);
  app.require_subcommand(1);
  Commands commands;
  commands.add_data_commands(app);
  commands.add_service_commands(app);
  commands.add_model_commands(app);
  commands.add_account_commands(app);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    if (error.get_exit_code() == 0) return app.exit(error);  // --help, --version
    fmt::print(stderr, "paywarden: {}; see paywarden --help\n", complaint(app, error));
    return 2;
  }
  Status status = commands.chosen();
  if (status) return 0;
  fmt::print(stderr, "paywarden: {}\n", status.error().line());
  return 1;
}

}  // namespace
}  // namespace paywarden

int main(int argc, char** argv) {
  paywarden::let_training_threads_sleep(argv);
  return paywarden::run(argc, argv);
}

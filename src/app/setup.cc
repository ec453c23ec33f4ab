#include "app/setup.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <future>
#include <tuple>

#include "app/progress.h"
#include "base/digest.h"
#include "base/files.h"
#include "engine/currency_rates.h"

namespace paywarden {
namespace {

std::string trimmed(std::string text) {
  while (!text.empty() && (text.back() == '\n' || text.back() == '\r' || text.back() == ' '))
    text.pop_back();
  return text;
}

Result<Tokeniser> key_in(const std::string& path) {
  TRY_ASSIGN(std::string text,
             read_text_file(path, "the card key file",
                            "restore it from a backup, or make a first one: openssl rand -hex 32"));
  auto key =
      Tokeniser::create(trimmed(std::move(text)), std::filesystem::path(path).filename().string());
  if (!key) key.error().where = path;
  return key;
}

Result<Tokeniser> make_key(const Config& config) {
  PosixFiles files;
  TRY(files.make_directory(config.data_directory));
  std::string path = config.data_directory + "/card.key";
  TRY(replace_whole(files, path, to_hex(random_bytes(32)) + "\n"));
  chmod(path.c_str(), 0600);
  return key_in(path);
}

constexpr const char* kFormerKey =
    "restore the former key, or begin a new data directory with the new one "
    "(docs/CONFIGURATION.md, the card key)";

Result<std::optional<Tokeniser>> existing_key(const Config& config) {
  std::string made = config.data_directory + "/card.key";
  auto key = [&]() -> std::optional<Result<Tokeniser>> {
    if (!config.card_key_file.empty()) return key_in(config.card_key_file);
    if (const char* text = std::getenv("PAYWARDEN_CARD_KEY"))
      return Tokeniser::create(text, "environment");
    if (std::filesystem::exists(made)) return key_in(made);
    return std::nullopt;
  }();
  if (!key) return std::nullopt;
  if (!*key) return tl::unexpected(key->error());
  return std::move(**key);
}

std::string fingerprint_line(const Tokeniser& key) {
  return "1 " + card_key_fingerprint(key) + "\n";
}

Status check_fingerprint(Files& files, const std::string& path, const Tokeniser& key) {
  TRY_ASSIGN(std::string kept, read_whole(files, path));
  if (kept == fingerprint_line(key)) return {};
  return fail("the card key '" + key.key_id() +
                  "' is not the one that this data directory's tokens were made with",
              path, kFormerKey);
}

class Waiting : public ReplyTo {
 public:
  explicit Waiting(std::promise<Result<Answer::Kind>>& told) : told_(told) {}
  bool answer(const Answer& answer) override {
    if (answer.error)
      told_.set_value(tl::unexpected(*answer.error));
    else
      told_.set_value(answer.kind);
    return true;
  }

 private:
  std::promise<Result<Answer::Kind>>& told_;
};

Change change_of(ChangeKind kind, std::string name, std::string content, EventTime now) {
  return {kind, std::move(name), std::move(content), "config", "the configuration file", now};
}

// One would hold the key, and card numbers on their way through intake.
void forbid_core_dumps() {
  rlimit none{0, 0};
  setrlimit(RLIMIT_CORE, &none);
}

}  // namespace

Result<std::string> read_text_file(const std::string& path, const std::string& what,
                                   const std::string& remedy) {
  PosixFiles files;
  auto text = read_whole(files, path);
  if (!text)
    return fail(what + ": " + text.error().what, path,
                text.error().remedy.empty() ? remedy : text.error().remedy);
  return text;
}

Result<std::string> read_secret_file(const std::string& path, const std::string& what) {
  TRY_ASSIGN(std::string text, read_text_file(path, what));
  while (!text.empty() && (text.back() == '\n' || text.back() == '\r')) text.pop_back();
  return text;
}

std::string card_key_fingerprint(const Tokeniser& key) {
  return key.token("paywarden card key fingerprint").hex();
}

Result<Tokeniser> load_card_key(const Config& config, CardKeyFor purpose) {
  forbid_core_dumps();
  TRY_ASSIGN(auto key, existing_key(config));
  if (purpose == CardKeyFor::this_run)
    return key ? std::move(*key) : Tokeniser::create(random_bytes(32), "this-run");
  PosixFiles files;
  std::string path = config.data_directory + "/card-key.fingerprint";
  TRY_ASSIGN(bool known, files.exists(path));
  if (known && !key)
    return fail("the card key that this data directory's tokens were made with is gone",
                config.data_directory + "/card.key", kFormerKey);
  if (!key) {
    TRY_ASSIGN(key, make_key(config));
  }
  TRY(known ? check_fingerprint(files, path, *key)
            : replace_whole(files, path, fingerprint_line(*key)));
  return std::move(*key);
}

std::vector<std::string> files_of(const Config& config) {
  std::vector<std::string> files = {config.decision.rules_file, config.card_key_file};
  for (const auto& [name, file] : config.decision.lists) files.push_back(file);
  return files;
}

namespace {

Result<std::unique_ptr<FileSource>> open_files(const Config& config, const Tokeniser& tokeniser,
                                               const std::vector<std::string>& paths,
                                               RejectSink& rejects) {
  ParserOptions parser;
  TRY_ASSIGN(CurrencyRates rates, CurrencyRates::parse(config.rates, config.base_currency));
  parser.currencies = rates.currencies();
  return FileSource::open(paths, config.schema, tokeniser, parser, {}, rejects);
}

class NoRejects : public RejectSink {
 public:
  void add(const RejectedInput&) override {}
};

}  // namespace

Result<DataFiles> open_data(const Config& config, const Tokeniser& tokeniser,
                            const std::vector<std::string>& paths, Clock& clock) {
  DataFiles data;
  PosixFiles files;
  TRY(files.make_directory(config.data_directory));
  TRY_ASSIGN(data.rejects,
             Rejects::open({.path = config.data_directory + "/rejects.ndjson"}, clock));
  TRY_ASSIGN(data.source, open_files(config, tokeniser, paths, *data.rejects));
  return data;
}

Result<std::unique_ptr<FileSource>> open_data_again(const Config& config,
                                                    const Tokeniser& tokeniser,
                                                    const std::vector<std::string>& paths) {
  static NoRejects none;
  return open_files(config, tokeniser, paths, none);
}

Status tell_of_data(const DataFiles& data, Progress& progress) {
  for (const std::string& absent : data.source->absent_columns()) progress.say(absent);
  FileProgress end = data.source->progress();
  std::vector<FirstReject> rejects = data.rejects->firsts();  // conflicts too, which are rows
  if (rejects.empty()) return {};
  std::string first;
  for (const FirstReject& reject : rejects) {
    if (first.empty()) first = reject.line;
    progress.say(fmt::format("{} rejected as {}, the first: {}", reject.count,
                             name_of(reject.reason), reject.line));
  }
  if (end.rows == 0)
    return fail(
        fmt::format("all {} rows were rejected, the first: {}", end.rejected, first),
        data.source->path(0),
        "is it the file that [schema] describes? all of them are in " + data.rejects->path());
  progress.say("all of them are in " + data.rejects->path());
  return {};
}

tl::unexpected<Error> tell_of_failure(Error failure, const DataFiles& data, Progress& progress) {
  std::ignore = tell_of_data(data, progress);
  return tl::unexpected(std::move(failure));
}

Result<std::vector<Change>> read_changes(const Config& config, const Model* model, EventTime now) {
  std::vector<Change> changes;
  changes.push_back(change_of(ChangeKind::rates, {}, config.rates, now));
  for (const auto& [name, file] : config.decision.lists) {
    TRY_ASSIGN(std::string entries, read_text_file(file, "the list '" + name + "'"));
    changes.push_back(change_of(ChangeKind::list_replace, name, std::move(entries), now));
  }
  if (!config.decision.rules_file.empty()) {
    TRY_ASSIGN(std::string rules, read_text_file(config.decision.rules_file, "the rules"));
    changes.push_back(
        change_of(ChangeKind::rules, config.decision.rules_file, std::move(rules), now));
  }
  if (model)
    changes.push_back(change_of(ChangeKind::model, model->name(), model->content_hash(), now));
  if (config.decision.thresholds)
    changes.push_back(
        change_of(ChangeKind::thresholds, {}, text_of(*config.decision.thresholds), now));
  changes.push_back(
      change_of(ChangeKind::mode, {}, config.decision.observe ? "observe" : "decide", now));
  return changes;
}

bool is_new(const Change& change, const Core& core) {
  const Policy& policy = core.policy();
  switch (change.kind) {
    case ChangeKind::model:
      return core.model_hash() != change.content;
    case ChangeKind::rates:
      return core.rates().text() != change.content;
    case ChangeKind::mode:
      return name_of(policy.mode()) != change.content;
    case ChangeKind::rules:
      return policy.rules_source().text != change.content;
    case ChangeKind::thresholds:
      return text_of(policy.thresholds()) != change.content;
    case ChangeKind::list_replace:
      return !policy.lists().find(change.name);
    case ChangeKind::list_add:
    case ChangeKind::list_remove:
    case ChangeKind::list_drop:
    case ChangeKind::guard_reset:
    case ChangeKind::guard_engaged:
      return true;
  }
  return true;
}

Status submit_and_wait(Engine& engine, Work work, Answer::Kind expected) {
  std::promise<Result<Answer::Kind>> told;
  work.reply = std::make_unique<Waiting>(told);
  if (!engine.submit_waiting(std::move(work))) return fail("the engine takes nothing");
  auto kind = told.get_future().get();
  if (!kind) return tl::unexpected(kind.error());
  if (*kind != expected) return fail("the engine answered otherwise than expected");
  return {};
}

Status log_rates(Engine& engine, const Config& config, Clock& clock) {
  if (engine.core().rates().text() == config.rates) return {};
  Change change = change_of(ChangeKind::rates, {}, config.rates, clock.now());
  return submit_and_wait(engine, Work::of(std::move(change), nullptr), Answer::Kind::changed);
}

Result<std::unique_ptr<Core>> configured_core(const Config& config,
                                              std::shared_ptr<const Model> model,
                                              const FeatureSet* own) {
  TRY_ASSIGN(auto core,
             Core::create(config.schema.fields, config.features, config.core_options(), own));
  TRY_ASSIGN(auto changes, read_changes(config, model.get(), EventTime()));
  for (const Change& change : changes)
    TRY(core->apply(change, change.kind == ChangeKind::model ? model : nullptr));
  return core;
}

}  // namespace paywarden

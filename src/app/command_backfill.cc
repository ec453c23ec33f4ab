// `paywarden backfill`: history with its delayed labels into the log, so that live service starts with warm state.
#include <fmt/format.h>

#include <algorithm>
#include <cstdio>

#include "app/commands.h"
#include "app/output_guard.h"
#include "app/progress.h"
#include "app/setup.h"
#include "base/files.h"
#include "base/json_writer.h"
#include "engine/engine.h"
#include "log/journal.h"
#include "training/history.h"

namespace paywarden {
namespace {

// Counts what became of payments that were in the log already.
class Counts {
 public:
  class Reply : public ReplyTo {
   public:
    explicit Reply(Counts& counts) : counts_(counts) {}
    bool answer(const Answer& answer) override {
      if (answer.kind == Answer::Kind::failed) ++counts_.failed;
      if (answer.kind == Answer::Kind::refused) ++counts_.refused;
      if (answer.kind == Answer::Kind::conflict) ++counts_.conflicts;
      return true;
    }

   private:
    Counts& counts_;
  };
  std::atomic<uint64_t> failed{0}, refused{0}, conflicts{0};
};

class BackfillSink : public HistorySink {
 public:
  // Of an engine that is recovered and not started: what its log knows is known here too.
  BackfillSink(Engine& engine, Counts& counts)
      : engine_(engine),
        counts_(counts),
        fields_(engine.core().fields()),
        seen_(engine.core().seen().copy()),
        newest_(engine.core().watermark()) {}
  Status payments(std::span<FileRow> rows) override {
    for (FileRow& row : rows) {
      row.is_conflict = !is_first_or_repeat(row.payment);
      row.payment.backfilled = true;
      auto reply = std::make_unique<Counts::Reply>(counts_);
      if (!engine_.submit_waiting(Work::of(row.payment, std::move(reply))))
        return fail("the log failed");
    }
    return {};
  }
  Status label(const Label& label, const Payment&) override {
    ++labels;
    if (!engine_.submit_waiting(Work::of(label, nullptr))) return fail("the log failed");
    return {};
  }
  uint64_t labels = 0;

 private:
  // The engine answers later; which rows are conflicts, and so have no label to come, is asked now, as it will be asked there.
  bool is_first_or_repeat(const Payment& payment) {
    PaymentIdentity identity = identity_of(payment, fields_);
    uint64_t earlier = 0;
    Sighting sighting = seen_.look(identity.id, identity.digest, earlier);
    if (sighting != Sighting::fresh) return sighting == Sighting::repeat;
    newest_ = std::max(newest_, payment.event_time);
    seen_.add(identity.id, identity.digest, 0, newest_);
    return true;
  }

  Engine& engine_;
  Counts& counts_;
  const FieldTable& fields_;
  SeenPayments seen_;
  EventTime newest_;
};

Status write_pending(const std::string& path, const std::vector<PendingLabel>& labels) {
  std::string text;
  for (const PendingLabel& pending : labels) {
    JsonWriter json(text);
    json.open_object()
        .key("payment_id")
        .string(pending.label.payment_id)
        .key("is_fraud")
        .boolean(true);
    json.key("source")
        .string(pending.label.source)
        .key("event_time")
        .string(format_rfc3339(pending.label.event_time))
        .close_object();
    text.push_back('\n');
  }
  PosixFiles files;
  return replace_whole(files, path, text);
}

}  // namespace

Status run_backfill(const BackfillCommand& command) {
  TRY_ASSIGN(auto config, load_config(command.config));
  TRY(check_output(command.pending_labels, {{command.config}, command.data, files_of(*config)}));
  if (command.archived) config->schema = archived(config->schema);
  SystemClock clock;
  SilentLog quiet;
  PosixFiles files;
  TRY(files.make_directory(config->data_directory));
  TRY_ASSIGN(Tokeniser tokeniser, load_card_key(*config, CardKeyFor::log));
  TRY_ASSIGN(auto journal, Journal::open(files, quiet,
                                         {.directory = config->data_directory + "/journal",
                                          .segment_bytes = config->segment_bytes}));
  Snapshots snapshots(files, config->data_directory + "/snapshots");
  ModelLibrary models(config->data_directory + "/models", config->features, config->file);
  std::optional<Error> log_failure;  // of the log thread; read behind stop()
  TRY_ASSIGN(
      auto engine,
      Engine::recover(
          *journal, snapshots,
          [&] {
            return Core::create(config->schema.fields, config->features, config->core_options());
          },
          [&](const std::string& hash) { return models.find(hash); }, config->engine, quiet));
  TRY_ASSIGN(DataFiles data, open_data(*config, tokeniser, command.data, clock));
  engine->on_failure([&log_failure](const Error& error) { log_failure = error; });
  Counts counts;
  BackfillSink sink(*engine, counts);
  engine->start();
  TRY(log_rates(*engine, *config, clock));
  Progress progress("backfill");
  auto rest = play_history(*data.source, config->features.options().label_delay, sink,
                           [&](const FileProgress& now) { progress.show(now); });
  engine->stop();
  if (log_failure)
    return fail("the log failed: " + log_failure->what, log_failure->where,
                (log_failure->remedy.empty() ? "look at the disk" : log_failure->remedy) +
                    "; run the same command again: what is kept is known");
  if (!rest) return tell_of_failure(std::move(rest.error()), data, progress);
  if (counts.failed)
    return fail("the log failed", config->data_directory,
                "look at the disk; run the same command again: what is kept is known");
  FileProgress end = data.source->progress();
  progress.finish(end.rows);
  TRY(tell_of_data(data, progress));
  const EngineFigures& f = engine->figures();
  progress.say(fmt::format(
      "{} payments and {} labels kept, {} were known, {} conflicts, {} rejected, {} refused",
      f.recorded.load(), sink.labels, f.repeats.load(), counts.conflicts.load(), end.rejected,
      counts.refused.load()));
  if (rest->empty()) return {};
  if (command.pending_labels.empty()) {
    progress.say(
        fmt::format("{} frauds of the last {} are not labelled yet: their labels are due after the "
                    "last payment (--pending-labels F writes them)",
                    rest->size(), format_duration(config->features.options().label_delay)));
    return {};
  }
  progress.say(fmt::format("{} labels that are due later written to {}", rest->size(),
                           command.pending_labels));
  return write_pending(command.pending_labels, *rest);
}

}  // namespace paywarden

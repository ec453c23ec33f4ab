// `paywarden replay` and `paywarden explain`: files through the same core as live payments.
#include <fmt/format.h>

#include <memory>

#include "app/commands.h"
#include "app/decision_writer.h"
#include "app/output_guard.h"
#include "app/progress.h"
#include "app/setup.h"
#include "training/history.h"

namespace paywarden {
namespace {

// Decides each payment, and writes those from `from` on.
class ReplaySink : public HistorySink {
 public:
  ReplaySink(Core& core, DecisionWriter& out, std::optional<EventTime> from)
      : core_(core), out_(out), from_(from), block_(out.empty_block()) {}

  // The rows are the reader's: all are decided before it goes on.
  Status payments(std::span<FileRow> rows) override {
    for (; !rows.empty(); rows = rows.subspan(std::min(rows.size(), kMicroBatchMax)))
      TRY(decide(rows.first(std::min(rows.size(), kMicroBatchMax))));
    return {};
  }

  Status label(const Label& label, const Payment& payment) override {
    core_.label(label, &payment);
    return {};
  }

  // Hands over what is decided and not yet handed over.
  Status finish() {
    written_ += block_.count;
    DecisionBlock filled = std::move(block_);
    block_.count = 0;
    return out_.write(std::move(filled));
  }

  uint64_t written() const { return written_; }
  uint64_t repeats() const { return repeats_; }
  uint64_t conflicts() const { return conflicts_; }

 private:
  Status decide(std::span<FileRow> rows) {
    constexpr size_t kAhead = 4;
    for (size_t i = 0; i < rows.size(); ++i) {
      if (i + kAhead < rows.size()) rows[i + kAhead].payment.prefetch();
      identities_[i] = identity_of(rows[i].payment, core_.fields());
      core_.prefetch(identities_[i]);
    }
    size_t count = 0;
    for (size_t i = 0; i < rows.size(); ++i) {
      Payment& payment = rows[i].payment;
      uint64_t earlier = 0;
      Sighting sighting = core_.admit(payment, identities_[i], ++sequence_, earlier);
      if (sighting != Sighting::fresh) {
        rows[i].is_conflict = sighting == Sighting::conflict;
        ++(rows[i].is_conflict ? conflicts_ : repeats_);
        continue;
      }
      bool wanted = !from_ || payment.event_time >= *from_;
      Decision* decision = wanted ? &block_.decisions[block_.count++] : nullptr;
      if (wanted && block_.count + kAhead < block_.decisions.size())
        prefetch_range(&block_.decisions[block_.count + kAhead], sizeof(Decision),
                       prefetch_line_to_write);
      if (decision) decision->reset();
      items_[count++] = {&payment, decision, GuardEvent::none};
    }
    core_.decide({items_.data(), count});
    if (block_.count + kMicroBatchMax <= block_.decisions.size()) return {};
    TRY(finish());
    block_ = out_.empty_block();
    return {};
  }

  Core& core_;
  DecisionWriter& out_;
  std::optional<EventTime> from_;
  DecisionBlock block_;
  std::array<PaymentIdentity, kMicroBatchMax> identities_;
  std::array<CoreItem, kMicroBatchMax> items_;
  uint64_t sequence_ = 0, written_ = 0, repeats_ = 0, conflicts_ = 0;
};

struct Replay {
  std::unique_ptr<Config> config;
  std::optional<Tokeniser> tokeniser;
  SystemClock clock;
  DataFiles data;
  std::unique_ptr<Core> core;
};

Status prepare(Replay& replay, const std::string& config, const std::string& model,
               const std::vector<std::string>& data, bool is_archive) {
  TRY_ASSIGN(replay.config, load_config(config));
  if (is_archive) replay.config->schema = archived(replay.config->schema);
  TRY_ASSIGN(replay.tokeniser, load_card_key(*replay.config, CardKeyFor::this_run));
  TRY_ASSIGN(auto loaded, BundleModel::load(model, replay.config->features, config));
  TRY_ASSIGN(replay.core, configured_core(*replay.config, loaded));
  TRY_ASSIGN(replay.data, open_data(*replay.config, *replay.tokeniser, data, replay.clock));
  return {};
}

// The configuration's model.shadow scores here as it does in service.
Status set_shadow(Replay& replay) {
  const Config& config = *replay.config;
  if (config.shadow_directory.empty()) return {};
  TRY_ASSIGN(auto shadow, BundleModel::load(config.shadow_directory, config.features, config.file));
  replay.core->set_shadow(std::move(shadow));
  return {};
}

}  // namespace

Status run_replay(const ReplayCommand& command) {
  Replay replay;
  TRY(prepare(replay, command.config, command.model, command.data, command.archived));
  TRY(check_output(command.out, {{command.config, command.model, replay.config->shadow_directory},
                                 command.data,
                                 files_of(*replay.config)}));
  TRY(set_shadow(replay));
  replay.core->set_reasons(!command.no_reasons);
  TRY_ASSIGN(auto out, DecisionWriter::create(command.out));
  Progress progress("replay");
  ReplaySink sink(*replay.core, *out, command.from);
  auto played = play_history(*replay.data.source, replay.config->features.options().label_delay,
                             sink, [&](const FileProgress& now) { progress.show(now); });
  Status handed_over = sink.finish();  // also before a damaged place of a file
  if (!played) return tell_of_failure(std::move(played.error()), replay.data, progress);
  TRY(handed_over);
  TRY(out->finish());
  FileProgress end = replay.data.source->progress();
  progress.finish(end.rows);
  TRY(tell_of_data(replay.data, progress));
  if (sink.written() == 0 && command.from)
    progress.say("warning: no payment is of " + format_rfc3339(*command.from) +
                 " (--from) or later");
  progress.say(fmt::format(
      "{} decisions to {}, {} rows rejected, {} repeats dropped, {} conflicts dropped, state {}",
      sink.written(), command.out, end.rejected, sink.repeats(), sink.conflicts(),
      fmt::format("{:016x}", replay.core->state_hash())));
  return {};
}

namespace {

// Plays up to one payment and shows how it was judged.
class ExplainSink : public HistorySink {
 public:
  ExplainSink(Core& core, std::string id)
      : core_(core), id_(std::move(id)), row_(core.features().specs().size()) {}

  Status payments(std::span<FileRow> rows) override {
    for (FileRow& row : rows) {
      if (found_) return {};
      if (admit(core_, row, ++sequence_) != Sighting::fresh) continue;
      if (row.payment.id() == id_) return explain(row.payment);
      core_.observe(row.payment, row_.data());
    }
    return {};
  }
  Status label(const Label& label, const Payment& payment) override {
    if (!found_) core_.label(label, &payment);
    return {};
  }
  bool found() const { return found_; }

 private:
  Status explain(Payment& payment) {
    found_ = true;
    core_.observe(payment, row_.data());
    const Model& model = *core_.model();
    auto scratch = model.scratch();
    std::vector<Reason> reasons;
    model.explain(row_.data(), *scratch, row_.size(), reasons);
    core_.sentences().say(payment, reasons);
    float score = 0;
    model.score(row_.data(), row_.size(), 1, &score);
    fmt::print("payment {}  card {}  {}  {} {}\nscore {:.6f}  model {}\n\n", payment.id(),
               payment.card_masked.view(), format_rfc3339(payment.event_time),
               format_minor_units(payment.amount_minor, payment.currency.exponent()),
               payment.currency.code(), score, model.name());
    fmt::print("{:<40} {:>14} {:>14} {:>13}  {}\n", "feature", "value", "usual", "contribution",
               "says");
    for (const Reason& r : reasons)
      fmt::print("{:<40} {:>14.6g} {:>14.6g} {:>+13.4f}  {}\n", r.feature, r.value, r.usual,
                 r.contribution, r.text);
    return {};
  }

  Core& core_;
  std::string id_;
  std::vector<float> row_;
  uint64_t sequence_ = 0;
  bool found_ = false;
};

}  // namespace

Status run_explain(const ExplainCommand& command) {
  Replay replay;
  TRY(prepare(replay, command.config, command.model, command.data, command.archived));
  Progress progress("explain");
  ExplainSink sink(*replay.core, command.payment_id);
  auto played = play_history(*replay.data.source, replay.config->features.options().label_delay,
                             sink, [&](const FileProgress& now) { progress.show(now); });
  if (!played) return tell_of_failure(std::move(played.error()), replay.data, progress);
  if (sink.found()) return {};
  TRY(tell_of_data(replay.data, progress));  // it may be among the rejected ones
  return fail("no payment with the id '" + command.payment_id + "'", command.data.front());
}

}  // namespace paywarden

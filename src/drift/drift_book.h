// What the running program knows of drift: fed by the engine, read by whoever shows it or raises the alarm. It changes no
// decision and is no part of the engine's state.
//
//   DriftBook book({.label_delay = days(7)});
//   book.load(bytes, log_end);                        // what save() gave; else it begins anew
//   book.use("the model's hash", reference, names);   // another model: its days begin anew
//   book.decided(batch, next_sequence);               // the engine's owner thread
//   book.labelled(payment_time, payment_sequence, alerted, +1);
//   for (const DriftNews& news : book.take_news()) ...
//   book.last_finished(); book.today(); book.quality();
//
// A day is finished when a payment of a later day was decided. Payments that nothing counted, since before a crash they were
// behind the last save(), are known as such: labels on them are left out too. Any thread.
#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "drift/drift_counts.h"
#include "drift/label_quality.h"

namespace paywarden {

struct WatchedPayment {
  EventTime time;
  float score = 0;
  bool alerted = false;        // review or decline, or in observe mode would be
  int frauds = 0;              // +1: a label that came before it says fraud
  const float* row = nullptr;  // its features
};

// A finished day that reaches a level for the first time.
struct DriftNews {
  DriftDay day;
  bool alarm = false;                // else worth a look
  std::vector<DriftFigure> figures;  // that reach the level, the farthest first
};

struct DriftBookOptions {
  DriftLevels levels;
  Duration label_delay = days(7);
};

class DriftBook {
 public:
  static constexpr size_t kDaysMax = 8;  // of bins: late payments are some days late at the most
  static constexpr size_t kUncountedMax = 64;  // spans of the log that were not counted: crashes
  static constexpr uint64_t kAheadMax =
      32'768;  // records counted and not durable when a crash came: groups in flight

  explicit DriftBook(DriftBookOptions options) : options_(options), quality_(options.label_delay) {}

  // `reference`: null where the model has none, or there is no model: then drift is not known.
  void use(const std::string& model_hash, const ModelReference* reference,
           std::vector<std::string> names);
  // In the order of the log; `next_sequence`: behind them.
  void decided(std::span<const WatchedPayment> payments, uint64_t next_sequence);
  void labelled(EventTime payment, uint64_t sequence, bool alerted, int frauds);

  bool known() const;
  // Whether that is for want of a reference, and not of a model.
  bool has_bare_model() const;
  // The newest finished day with enough payments, and the newest day of all, once it has enough.
  std::optional<DriftDay> last_finished() const;
  std::optional<DriftDay> today() const;
  std::optional<QualityDay> quality() const;
  // Each level of each day is news once; an alarm is no look, too.
  std::vector<DriftNews> take_news();

  std::string save() const;
  // Before use(). `log_end`: what was decided between save() and there is not counted. False: the bytes are damaged, or of
  // a log that went further than this one by more than a crash takes.
  bool load(std::string_view bytes, uint64_t log_end);

 private:
  std::optional<DriftDay> enough(int32_t day) const;
  std::optional<DriftNews> news_of(int32_t day);
  void begin(uint64_t log_end);
  bool read(std::string_view bytes, uint64_t log_end);

  const DriftBookOptions options_;
  mutable std::mutex mutex_;  // all below
  std::string model_hash_;
  std::unique_ptr<DriftCounts> counts_;  // null: not known
  std::string loaded_;                   // counts of the model that load() found, until use()
  LabelQuality quality_;
  uint64_t next_sequence_ = 1;
  struct Span {
    uint64_t from, to;
  };
  std::vector<Span> uncounted_;
};

}  // namespace paywarden

#include "drift/drift_book.h"

#include <algorithm>

#include "base/crc32c.h"

namespace paywarden {
namespace {
constexpr uint8_t kFormat = 1;
}

void DriftBook::use(const std::string& model_hash, const ModelReference* reference,
                    std::vector<std::string> names) {
  std::lock_guard lock(mutex_);
  bool same = model_hash == model_hash_;
  if (same && counts_) return;
  std::string loaded = std::exchange(loaded_, {});
  model_hash_ = model_hash;
  counts_.reset();
  if (!reference || reference->features.size() != names.size()) return;
  counts_ = std::make_unique<DriftCounts>(*reference, std::move(names), kDaysMax);
  if (!same || loaded.empty()) return;
  ByteReader in(loaded);
  counts_->load(in);
}

void DriftBook::decided(std::span<const WatchedPayment> payments, uint64_t next_sequence) {
  std::lock_guard lock(mutex_);
  next_sequence_ = next_sequence;
  for (const WatchedPayment& payment : payments) {
    quality_.decided(payment.time, payment.alerted);
    if (payment.frauds) quality_.labelled(payment.time, payment.alerted, payment.frauds);
    if (counts_) counts_->add(day_of(payment.time), payment.score, payment.row);
  }
}

void DriftBook::labelled(EventTime payment, uint64_t sequence, bool alerted, int frauds) {
  std::lock_guard lock(mutex_);
  for (const Span& span : uncounted_)
    if (sequence >= span.from && sequence < span.to) return;
  quality_.labelled(payment, alerted, frauds);
}

bool DriftBook::known() const {
  std::lock_guard lock(mutex_);
  return counts_ != nullptr;
}

bool DriftBook::has_bare_model() const {
  std::lock_guard lock(mutex_);
  return !counts_ && !model_hash_.empty();
}

std::optional<DriftDay> DriftBook::enough(int32_t day) const {
  auto figures = counts_->figures(day);
  if (figures && figures->payments < options_.levels.payments_min) return std::nullopt;
  return figures;
}

std::optional<DriftDay> DriftBook::last_finished() const {
  std::lock_guard lock(mutex_);
  if (!counts_) return std::nullopt;
  std::vector<int32_t> days = counts_->days();
  for (size_t i = days.size(); i-- > 1;)
    if (auto day = enough(days[i - 1])) return day;
  return std::nullopt;
}

std::optional<DriftDay> DriftBook::today() const {
  std::lock_guard lock(mutex_);
  if (!counts_ || !counts_->newest()) return std::nullopt;
  return enough(*counts_->newest());
}

std::optional<QualityDay> DriftBook::quality() const {
  std::lock_guard lock(mutex_);
  return quality_.newest_finished();
}

std::optional<DriftNews> DriftBook::news_of(int32_t day) {
  using Told = DriftCounts::Told;
  Told told = counts_->told(day);
  if (told == Told::alarm) return std::nullopt;
  auto figures = enough(day);
  if (!figures) return std::nullopt;
  for (Told now : {Told::alarm, Told::look}) {
    double level = now == Told::alarm ? options_.levels.alarm : options_.levels.look;
    auto reaching = figures->reaching(level);
    if (reaching.empty() || told >= now) continue;
    counts_->tell(day, now);
    return DriftNews{std::move(*figures), now == Told::alarm, std::move(reaching)};
  }
  return std::nullopt;
}

std::vector<DriftNews> DriftBook::take_news() {
  std::lock_guard lock(mutex_);
  std::vector<DriftNews> out;
  if (!counts_ || options_.levels.alarm <= 0) return out;
  std::vector<int32_t> days = counts_->days();
  for (size_t i = 0; i + 1 < days.size(); ++i)
    if (auto news = news_of(days[i])) out.push_back(std::move(*news));
  return out;
}

// crc32c of what follows u32 | format u8 | next sequence | uncounted spans | quality | model's hash | its counts to the end.
std::string DriftBook::save() const {
  std::lock_guard lock(mutex_);
  std::string body;
  ByteWriter out(body);
  out.u8(kFormat);
  out.u64(next_sequence_);
  out.varint(uncounted_.size());
  for (const Span& span : uncounted_) {
    out.u64(span.from);
    out.u64(span.to);
  }
  quality_.save(out);
  out.text(model_hash_);
  if (counts_) counts_->save(out);
  std::string bytes;
  ByteWriter(bytes).u32(crc32c(body));
  return bytes + body;
}

void DriftBook::begin(uint64_t log_end) {
  quality_ = LabelQuality(options_.label_delay);
  uncounted_ = {{0, log_end}};
  next_sequence_ = log_end;
  model_hash_.clear();
  loaded_.clear();
}

bool DriftBook::load(std::string_view bytes, uint64_t log_end) {
  std::lock_guard lock(mutex_);
  if (read(bytes, log_end)) return true;
  begin(log_end);
  return false;
}

bool DriftBook::read(std::string_view bytes, uint64_t log_end) {
  ByteReader in(bytes);
  uint32_t crc = in.u32();
  if (!in.ok() || crc != crc32c(bytes.substr(4)) || in.u8() != kFormat) return false;
  next_sequence_ = in.u64();
  uncounted_.clear();
  for (uint64_t left = in.varint(); left > 0 && in.ok(); --left) {
    uint64_t from = in.u64();
    uncounted_.push_back({from, in.u64()});
  }
  if (!quality_.load(in)) return false;
  model_hash_ = in.text();
  if (!in.ok() || next_sequence_ > log_end + kAheadMax) return false;
  loaded_ = bytes.substr(in.position());
  if (next_sequence_ < log_end) uncounted_.push_back({next_sequence_, log_end});
  if (uncounted_.size() > kUncountedMax) uncounted_.erase(uncounted_.begin() + 1);
  next_sequence_ = log_end;
  return true;
}

}  // namespace paywarden

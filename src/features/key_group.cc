#include "features/key_group.h"

#include <algorithm>
#include <cstring>

#include "base/check.h"
#include "base/hash.h"
#include "base/prefetch.h"
#include "features/key_group_rows.h"

namespace paywarden {
namespace {

// The sweep looks at one slot every so many payments, and at some more for each new key: so keys that
// are forgotten go faster than others come, whatever the share of new ones.
constexpr uint32_t kPaymentsASweep = 8;
constexpr uint32_t kSweepsANewKey = 4;

// Rows of the size classes: by half at a time, to the limit and an eighth (the room that folding
// makes), with row `start`.
std::vector<uint32_t> make_capacities(uint32_t events_max) {
  std::vector<uint32_t> out;
  uint32_t most = events_max + 2;
  for (uint32_t rows = 3; rows < most; rows = rows + (rows + 1) / 2) out.push_back(rows);
  out.push_back(most);
  return out;
}

std::vector<uint32_t> make_row_places(const GroupPlan& plan,
                                      const std::vector<uint32_t>& capacities) {
  auto distinct = static_cast<size_t>(
      std::count_if(plan.columns.begin(), plan.columns.end(),
                    [](const Column& c) { return c.kind == ColumnKind::distinct; }));
  std::vector<uint32_t> out;
  for (uint32_t capacity : capacities) {
    size_t bytes = sizeof(History) + plan.running.size() * 4 + distinct * capacity * 2;
    out.push_back(static_cast<uint32_t>((bytes + 7) / 8 * 8));
  }
  return out;
}

std::vector<size_t> block_sizes(const std::vector<uint32_t>& capacities,
                                const std::vector<uint32_t>& rows_at, size_t row_words) {
  std::vector<size_t> out;
  for (size_t c = 0; c < capacities.size(); ++c)
    out.push_back(rows_at[c] + capacities[c] * row_words * 8);
  return out;
}

}  // namespace

KeyGroup::KeyGroup(GroupPlan plan, const FeatureOptions& options)
    : plan_(std::move(plan)),
      options_(options),
      capacities_(make_capacities(options.events_per_key_max)),
      rows_at_(make_row_places(plan_, capacities_)),
      pool_(block_sizes(capacities_, rows_at_, plan_.row_words)) {
  size_t step = 0;
  for (size_t w = 0; w < plan_.windows.size(); ++w) {
    window_ms_[w] = plan_.windows[w].ms();
    while (step < plan_.steps.size() && plan_.steps[step].windowed && plan_.steps[step].window == w)
      ++step;
    steps_from_[w + 1] = static_cast<uint16_t>(step);
    for (size_t i = 0; i < plan_.running.size(); ++i) {
      const Running& what = plan_.running[i];
      if (what.kind != ColumnKind::distinct || what.window != w) continue;
      leaving_.push_back(
          {static_cast<uint16_t>(i), what.word, superseded_bit(what.distinct_index)});
      distinct_windows_.resize(
          std::max<size_t>(distinct_windows_.size(), what.distinct_index + 1u));
      distinct_windows_[what.distinct_index] = static_cast<uint8_t>(w);  // they ascend
    }
    leaving_from_[w + 1] = static_cast<uint16_t>(leaving_.size());
  }
}

void KeyGroup::bind_hashes(std::vector<FieldIndex>& hashed) {
  auto place_of = [&hashed](FieldIndex f) {
    auto at = std::find(hashed.begin(), hashed.end(), f);
    auto place = static_cast<uint16_t>(at - hashed.begin());
    if (at == hashed.end()) hashed.push_back(f);
    return place;
  };
  for (FieldIndex f : plan_.by) key_hashes_.push_back(place_of(f));
  for (Column& column : plan_.columns) {
    if (column.kind != ColumnKind::distinct) continue;
    column.hash = place_of(column.field);
    ++distinct_columns_;
  }
}

uint64_t KeyGroup::key_of(const uint64_t* hashes) const {
  uint64_t key = 0x9ae16a3b2f90404full;
  for (uint16_t i : key_hashes_) {
    if (hashes[i] == 0) return 0;
    key = hash_combine(key, hashes[i]);
  }
  return key ? key : 1;
}

void KeyGroup::prefetch_block(KeyRef& ref) {
  const Slot* slot = table_.locate(ref);
  if (!slot) return;
  prefetch_line(slot->history);
  prefetch_line(bytes_of(*slot->history) + 64);
}

void KeyGroup::prefetch_rows(const KeyRef& ref) {
  const Slot* slot = table_.find(ref);
  if (!slot) return;
  const History& history = *slot->history;
  auto ask = [](const void* from, size_t bytes) { prefetch_range(from, bytes, prefetch_line); };
  const size_t row_bytes = size_t{plan_.row_words} * 8;
  const char* asked = reinterpret_cast<const char*>(row(history, history.end - 1u));
  ask(asked, 2 * row_bytes);  // the newest, and the one to come
  // A window's prefixes, where it ends now and where it will: mostly it loses three payments at most. Longer windows end at older rows,
  // so what was asked for is what comes behind.
  for (size_t w = 0; w < plan_.windows.size(); ++w) {
    const char* from = reinterpret_cast<const char*>(row(history, history.tails[w]));
    if (from >= asked) continue;
    ask(from, std::min(4 * row_bytes + 8, static_cast<size_t>(asked - from)));
    asked = from;
  }
  const uint32_t* values = running(history);
  for (size_t i = 0; i < plan_.running.size(); ++i)
    if (plan_.running[i].kind != ColumnKind::distinct && values[i] != kNoRow)
      prefetch_line(row(history, values[i]) + plan_.running[i].word);
  constexpr uint32_t kTags = 64;  // of the newest rows: most values came lately
  for (uint16_t d = 0; d < distinct_columns_; ++d) {
    uint32_t from = std::max<uint32_t>(history.end, kTags) - kTags;
    from = std::max<uint32_t>(from, history.tails[distinct_windows_[d]]);
    ask(tags(history, d) + from, (history.end - from + 1) * sizeof(uint16_t));
  }
}

bool KeyGroup::forgotten(const History& history, EventTime watermark) const {
  return history.newest <= (watermark - options_.key_idle_max).ms();
}

void KeyGroup::start_history(History& history, EventTime first_seen) {
  std::memset(running(history), 0, plan_.running.size() * 4);
  uint64_t* before = rows(history);
  std::memset(before, 0, plan_.row_words * 8);
  before[0] = static_cast<uint64_t>(kNever);
  for (const Column& column : plan_.columns)
    if (column.kind == ColumnKind::place) before[column.word] = kMissingPlace;
  history.start = 0;
  history.end = 1;
  history.folded = 0;
  std::fill(std::begin(history.tails), std::end(history.tails), uint16_t{0});
  history.first_seen = first_seen.ms();
  history.newest = first_seen.ms();
}

History* KeyGroup::new_block(size_t size_class) {
  auto* history = new (pool_.take(size_class)) History;
  history->size_class = static_cast<uint16_t>(size_class);
  return history;
}

Slot& KeyGroup::slot_for(const KeyRef& ref, const Payment& payment, EventTime watermark) {
  bool inserted = false;
  Slot& slot = table_.find_or_insert(ref, inserted);
  if (inserted) {
    slot.history = new_block(0);
    sweeps_due_ += kPaymentsASweep * kSweepsANewKey;
  }
  if (inserted || forgotten(*slot.history, watermark))
    start_history(*slot.history, payment.event_time);
  return slot;
}

// A key that idled beyond key_idle_max goes, one whose history expired shrinks to its last row.
// Neither changes a feature (both are already unseen), so when it happens does not matter.
void KeyGroup::sweep(EventTime watermark) {
  uint64_t here = sweep_position_;
  Slot* slot = table_.step(sweep_position_);
  table_.prefetch_step(sweep_position_);
  if (!slot) return;
  History& history = *slot->history;
  if (forgotten(history, watermark)) {
    pool_.give_back(reinterpret_cast<uint64_t*>(&history), history.size_class);
    table_.erase(slot->key);
    sweep_position_ = here;  // another key may have moved here
  } else if (history.size_class > 0 && history.newest <= horizon(watermark)) {
    history.start = static_cast<uint16_t>(history.end - 1);
    for (size_t w = 0; w < plan_.windows.size(); ++w) history.tails[w] = history.start;
    rebuild_running(history, time_at(history, history.start), horizon(watermark));
    move_to_class(*slot, 0);
  }
}

// An arrival from before the horizon is not counted and sees no history: its windows hold itself
// alone.
void KeyGroup::outside(const Payment& payment, const uint64_t* hashes, const History* history,
                       const Outputs& out) const {
  alignas(8) uint64_t alone[2 * 128] = {};
  CHECK(plan_.row_words <= 128, "a row is wider than the place for it");
  uint64_t* before = alone;
  before[0] = static_cast<uint64_t>(kNever);
  for (const Column& column : plan_.columns)
    if (column.kind == ColumnKind::place) before[column.word] = kMissingPlace;
  write_row(before + plan_.row_words, before, payment, hashes);
  const uint16_t tails[kWindowsPerKeyMax] = {};
  int64_t first_seen = payment.event_time.ms();
  if (history) first_seen = std::min(history->first_seen, first_seen);
  evaluate({before, 1, first_seen, tails, nullptr, false}, out);
}

void KeyGroup::observe(const KeyRef& ref, const Payment& payment, const uint64_t* hashes,
                       EventTime watermark, const Outputs& out) {
  if (ref.key == 0) {
    for (const Step& step : plan_.steps) out.row[step.output] = kMissing;
    return;
  }
  int64_t horizon_ms = horizon(watermark), t = payment.event_time.ms();
  if (t <= horizon_ms) {
    const Slot* slot = table_.find(ref);
    return outside(payment, hashes,
                   slot && !forgotten(*slot->history, watermark) ? slot->history : nullptr, out);
  }
  Slot& slot = slot_for(ref, payment, watermark);
  int64_t first_seen = slot.history->first_seen = std::min(slot.history->first_seen, t);
  if (t >= slot.history->newest) {
    append(slot, payment, hashes, horizon_ms);
    const History& history = *slot.history;
    evaluate({rows(history), history.end - 1u, first_seen, history.tails, running(history),
              history.folded != 0},
             out);
  } else {
    uint32_t position = insert_late(slot, payment, hashes, horizon_ms);
    const History& history = *slot.history;
    uint16_t tails[kWindowsPerKeyMax];
    for (size_t w = 0; w < plan_.windows.size(); ++w)
      tails[w] = static_cast<uint16_t>(
          last_row_at_or_before(history, std::max(t - plan_.windows[w].ms(), horizon_ms)));
    evaluate({rows(history), position, first_seen, tails, nullptr, history.folded != 0}, out);
  }
  sweeps_due_ += 1;
  for (; sweeps_due_ >= kPaymentsASweep; sweeps_due_ -= kPaymentsASweep) sweep(watermark);
}

void KeyGroup::apply_label(uint64_t key, EventTime payment_time, int fraud_change,
                           int labelled_change, EventTime watermark) {
  if (key == 0 || !plan_.has_labels) return;
  Slot* slot = table_.find({key});
  if (!slot || forgotten(*slot->history, watermark)) return;
  const History& history = *slot->history;
  int64_t t = payment_time.ms();
  if (t <= horizon(watermark)) return;
  uint32_t at = last_row_at_or_before(history, t - 1) + 1;
  if (at >= history.end) return;
  bool its_bucket = is_folded(row(history, at));
  if (time_at(history, at) != t && !its_bucket) return;  // it came too late to be counted
  uint64_t change = pack_labels(fraud_change, labelled_change);
  for (const Column& column : plan_.columns)
    if (column.kind == ColumnKind::labels)
      for (uint32_t i = at; i < history.end; ++i) {
        uint64_t& word = row(history, i)[column.word];
        word = add_labels(word, change);
      }
}

void KeyGroup::write_logical(const Slot& slot, int64_t horizon_ms, ByteWriter& out) const {
  const History& history = *slot.history;
  uint32_t first = std::max<uint32_t>(history.start, last_row_at_or_before(history, horizon_ms));
  out.u64(slot.key);
  out.i64(history.first_seen);
  out.u32(history.end - first);
  out.raw(row(history, first), size_t{history.end - first} * plan_.row_words * 8);
}

void KeyGroup::save(EventTime watermark, ChunkedWriter& out) const {
  uint64_t count = 0;
  table_.for_each([&](const Slot& slot) { count += !forgotten(*slot.history, watermark); });
  out.bytes().u32(plan_.row_words);
  out.bytes().u64(count);
  table_.for_each([&](const Slot& slot) {
    if (forgotten(*slot.history, watermark)) return;
    write_logical(slot, horizon(watermark), out.bytes());
    out.checkpoint();
  });
}

bool KeyGroup::load(ByteReader& in) {
  if (in.u32() != plan_.row_words) return false;
  uint64_t count = in.u64();
  for (uint64_t i = 0; i < count && in.ok(); ++i) {
    uint64_t key = in.u64();
    int64_t first_seen = in.i64();
    uint32_t row_count = in.u32();
    std::string_view bytes = in.raw(size_t{row_count} * plan_.row_words * 8);
    if (!in.ok() || key == 0 || row_count < 1 || row_count > capacities_.back()) return false;
    bool inserted = false;
    Slot& slot = table_.find_or_insert({key}, inserted);
    if (!inserted) return false;
    auto fits = std::lower_bound(capacities_.begin(), capacities_.end(), row_count);
    slot.history = new_block(static_cast<size_t>(fits - capacities_.begin()));
    restore(*slot.history, EventTime(first_seen), row_count, bytes);
  }
  return in.ok();
}

void KeyGroup::restore(History& history, EventTime first_seen, uint32_t row_count,
                       std::string_view bytes) {
  start_history(history, first_seen);
  history.end = static_cast<uint16_t>(row_count);
  std::memcpy(rows(history), bytes.data(), bytes.size());
  history.newest = time_at(history, row_count - 1);
  for (uint32_t i = 0; i < row_count; ++i) history.folded |= is_folded(row(history, i));
  write_tags(history);
  rebuild_running(history, history.newest, INT64_MIN);
}

uint64_t KeyGroup::state_hash(EventTime watermark) const {
  uint64_t sum = 0;
  std::string bytes;
  table_.for_each([&](const Slot& slot) {
    const History& history = *slot.history;
    if (forgotten(history, watermark)) return;
    bytes.clear();
    ByteWriter writer(bytes);
    writer.u64(slot.key);
    writer.i64(history.first_seen);
    uint32_t first =
        std::max<uint32_t>(history.start, last_row_at_or_before(history, horizon(watermark)));
    for (uint32_t i = first; i < history.end; ++i) {
      RowDifference difference(plan_, row(history, i), row(history, first), i == first);
      writer.raw(difference.words(), size_t{plan_.row_words} * 8);
    }
    sum += hash64(bytes);
  });
  return sum;
}

}  // namespace paywarden

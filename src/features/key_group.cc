#include "features/key_group.h"

#include <algorithm>
#include <cstring>

#include "base/check.h"
#include "base/hash.h"
#include "features/key_group_rows.h"

namespace paywarden {
namespace {

constexpr uint32_t kSweepEvery = 4;  // a table of 16 million slots is walked once in 64 million payments

// Rows of the size classes: by half at a time, to the limit and an eighth (the room that folding
// makes), with row `start`.
std::vector<uint32_t> make_capacities(uint32_t events_max) {
  std::vector<uint32_t> out;
  uint32_t most = events_max + 2;
  for (uint32_t rows = 3; rows < most; rows = rows + (rows + 1) / 2) out.push_back(rows);
  out.push_back(most);
  return out;
}

std::vector<size_t> block_sizes(const std::vector<uint32_t>& capacities, size_t header_words,
                                size_t row_words) {
  std::vector<size_t> out;
  for (uint32_t rows : capacities) out.push_back((header_words + rows * row_words) * 8);
  return out;
}

}  // namespace

KeyGroup::KeyGroup(GroupPlan plan, const FieldTable& fields, const FeatureOptions& options)
    : plan_(std::move(plan)),
      options_(options),
      capacities_(make_capacities(options.events_per_key_max)),
      header_words_(static_cast<uint32_t>((plan_.running.size() + 1) / 2)),
      pool_(block_sizes(capacities_, header_words_, plan_.row_words)) {
  for (const Column& column : plan_.columns) column_types_.push_back(fields[column.field].type);
  for (FieldIndex f : plan_.by) column_types_.push_back(fields[f].type);
}

uint64_t KeyGroup::key_of(const Payment& payment) const {
  uint64_t key = 0x9ae16a3b2f90404full;
  size_t types = plan_.columns.size();
  for (size_t i = 0; i < plan_.by.size(); ++i) {
    uint64_t part = hash_of_field(payment, plan_.by[i], column_types_[types + i]);
    if (part == 0) return 0;
    key = hash_combine(key, part);
  }
  return key ? key : 1;
}

void KeyGroup::prefetch_rows(uint64_t key) {
  const Slot* slot = table_.find(key);
  if (!slot) return;
  __builtin_prefetch(slot->block);
  __builtin_prefetch(row(*slot, slot->end - 1));
  __builtin_prefetch(row(*slot, slot->end));
  for (size_t w = 0; w < plan_.windows.size(); ++w)
    __builtin_prefetch(row(*slot, slot->tails[w]) + plan_.row_words);
}

bool KeyGroup::forgotten(const Slot& slot, EventTime watermark) const {
  return slot.newest <= (watermark - options_.key_idle_max).ms();
}

void KeyGroup::start_history(Slot& slot, EventTime first_seen) {
  std::memset(slot.block, 0, header_words_ * 8);
  uint64_t* before = rows(slot);
  std::memset(before, 0, plan_.row_words * 8);
  before[0] = static_cast<uint64_t>(kNever);
  for (const Column& column : plan_.columns)
    if (column.kind == ColumnKind::place) before[column.word] = kMissingPlace;
  slot.start = 0;
  slot.end = 1;
  std::fill(std::begin(slot.tails), std::end(slot.tails), uint16_t{0});
  slot.first_seen = first_seen.ms();
  slot.newest = first_seen.ms();
}

Slot& KeyGroup::slot_for(uint64_t key, const Payment& payment, EventTime watermark) {
  bool inserted = false;
  Slot& slot = table_.find_or_insert(key, inserted);
  if (inserted) {
    slot.size_class = 0;
    slot.block = pool_.take(0);
    start_history(slot, payment.event_time);
  } else if (forgotten(slot, watermark)) {
    start_history(slot, payment.event_time);
  }
  return slot;
}

// One slot every kSweepEvery payments: a key that idled beyond key_idle_max goes, one whose history expired shrinks
// to its last row. Neither changes a feature (both are already unseen), so when it happens does not
// matter.
void KeyGroup::sweep(EventTime watermark) {
  if (++observed_ < kSweepEvery) return;
  observed_ = 0;
  uint64_t here = sweep_position_;
  Slot* slot = table_.step(sweep_position_);
  if (!slot) return;
  if (forgotten(*slot, watermark)) {
    pool_.give_back(slot->block, slot->size_class);
    table_.erase(slot->key);
    sweep_position_ = here;  // another key may have moved here
  } else if (slot->size_class > 0 && slot->newest <= horizon(watermark)) {
    slot->start = static_cast<uint16_t>(slot->end - 1);
    for (size_t w = 0; w < plan_.windows.size(); ++w) slot->tails[w] = slot->start;
    rebuild_running(*slot, time_at(*slot, slot->start), horizon(watermark));
    move_to_class(*slot, 0);
  }
}

// An arrival from before the horizon is not counted and sees no history: its windows hold itself
// alone.
void KeyGroup::outside(const Payment& payment, const Slot* slot, float* out) const {
  alignas(8) uint64_t alone[2 * 128] = {};
  CHECK(plan_.row_words <= 128, "a row is wider than the place for it");
  uint64_t* before = alone;
  before[0] = static_cast<uint64_t>(kNever);
  for (const Column& column : plan_.columns)
    if (column.kind == ColumnKind::place) before[column.word] = kMissingPlace;
  write_row(before + plan_.row_words, before, payment);
  View view{before, 1, payment.event_time.ms()};
  if (slot) view.first_seen = std::min(slot->first_seen, view.first_seen);
  std::vector<uint16_t> none;
  evaluate(view, out, none);
}

void KeyGroup::observe(uint64_t key, const Payment& payment, EventTime watermark, float* out,
                       std::vector<uint16_t>& approximate) {
  if (key == 0) {
    for (const Step& step : plan_.steps) out[step.output] = kMissing;
    return;
  }
  sweep(watermark);
  int64_t horizon_ms = horizon(watermark), t = payment.event_time.ms();
  if (t <= horizon_ms) {
    const Slot* slot = table_.find(key);
    return outside(payment, slot && !forgotten(*slot, watermark) ? slot : nullptr, out);
  }
  Slot& slot = slot_for(key, payment, watermark);
  View view{nullptr, 0, std::min(slot.first_seen, t)};
  slot.first_seen = view.first_seen;
  if (t >= time_at(slot, slot.end - 1)) {
    append(slot, payment, horizon_ms);
    view.position = slot.end - 1u;
    view.running = running(slot);
    for (size_t w = 0; w < plan_.windows.size(); ++w) view.tails[w] = slot.tails[w];
  } else {
    view.position = insert_late(slot, payment, horizon_ms);
    for (size_t w = 0; w < plan_.windows.size(); ++w)
      view.tails[w] = last_row_at_or_before(slot, std::max(t - plan_.windows[w].ms(), horizon_ms));
  }
  view.base = rows(slot);
  evaluate(view, out, approximate);
}

void KeyGroup::apply_label(uint64_t key, EventTime payment_time, int fraud_change,
                           int labelled_change, EventTime watermark) {
  if (key == 0 || !plan_.has_labels) return;
  Slot* slot = table_.find(key);
  if (!slot || forgotten(*slot, watermark)) return;
  int64_t t = payment_time.ms();
  if (t <= horizon(watermark)) return;
  uint32_t at = last_row_at_or_before(*slot, t - 1) + 1;
  if (at >= slot->end) return;
  bool its_bucket = is_folded(row(*slot, at));
  if (time_at(*slot, at) != t && !its_bucket) return;  // it came too late to be counted
  uint64_t change = pack_labels(fraud_change, labelled_change);
  for (const Column& column : plan_.columns)
    if (column.kind == ColumnKind::labels)
      for (uint32_t i = at; i < slot->end; ++i) {
        uint64_t& word = row(*slot, i)[column.word];
        word = add_labels(word, change);
      }
}

void KeyGroup::write_logical(const Slot& slot, int64_t horizon_ms, ByteWriter& out) const {
  uint32_t first = std::max<uint32_t>(slot.start, last_row_at_or_before(slot, horizon_ms));
  out.u64(slot.key);
  out.i64(slot.first_seen);
  out.u32(slot.end - first);
  out.raw(row(slot, first), size_t{slot.end - first} * plan_.row_words * 8);
}

void KeyGroup::save(EventTime watermark, ChunkedWriter& out) const {
  uint64_t count = 0;
  table_.for_each([&](const Slot& slot) { count += !forgotten(slot, watermark); });
  out.bytes().u32(plan_.row_words);
  out.bytes().u64(count);
  table_.for_each([&](const Slot& slot) {
    if (forgotten(slot, watermark)) return;
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
    Slot& slot = table_.find_or_insert(key, inserted);
    if (!inserted) return false;
    auto fits = std::lower_bound(capacities_.begin(), capacities_.end(), row_count);
    slot.size_class = static_cast<uint16_t>(fits - capacities_.begin());
    slot.block = pool_.take(slot.size_class);
    start_history(slot, EventTime(first_seen));
    slot.end = static_cast<uint16_t>(row_count);
    std::memcpy(rows(slot), bytes.data(), bytes.size());
    slot.newest = time_at(slot, slot.end - 1u);
    rebuild_running(slot, time_at(slot, slot.end - 1u), INT64_MIN);
  }
  return in.ok();
}

uint64_t KeyGroup::state_hash(EventTime watermark) const {
  uint64_t sum = 0;
  std::string bytes;
  table_.for_each([&](const Slot& slot) {
    if (forgotten(slot, watermark)) return;
    bytes.clear();
    ByteWriter writer(bytes);
    writer.u64(slot.key);
    writer.i64(slot.first_seen);
    uint32_t first =
        std::max<uint32_t>(slot.start, last_row_at_or_before(slot, horizon(watermark)));
    for (uint32_t i = first; i < slot.end; ++i) {
      RowDifference difference(plan_, row(slot, i), row(slot, first), i == first);
      writer.raw(difference.words(), size_t{plan_.row_words} * 8);
    }
    sum += hash64(bytes);
  });
  return sum;
}

}  // namespace paywarden

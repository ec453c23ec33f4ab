// KeyGroup, part two: rows coming, going, moving and folding.
#include <algorithm>
#include <cstring>

#include "base/check.h"
#include "features/key_group.h"
#include "features/key_group_rows.h"

namespace paywarden {
namespace {

uint64_t place_word(const Payment& payment, const PlaceFields& place) {
  if (!payment.has(place.latitude) || !payment.has(place.longitude)) return kMissingPlace;
  auto degrees = [&](FieldIndex f) {
    double v = payment.value(f).number * 1e7;
    if (!(v > -1.8e9)) v = -1.8e9;
    if (!(v < 1.8e9)) v = 1.8e9;
    return static_cast<uint32_t>(static_cast<int32_t>(v < 0 ? v - 0.5 : v + 0.5));
  };
  return degrees(place.latitude) | static_cast<uint64_t>(degrees(place.longitude)) << 32;
}

void add_square(uint64_t* words, int64_t quantity) {
  __extension__ using Wide = unsigned __int128;
  Wide magnitude = static_cast<uint64_t>(quantity < 0 ? -quantity : quantity);
  Wide square = magnitude * magnitude;
  Wide sum = (static_cast<Wide>(words[1]) << 64 | words[0]) + square;
  words[0] = static_cast<uint64_t>(sum);
  words[1] = static_cast<uint64_t>(sum >> 64);
}

}  // namespace

void KeyGroup::write_row(uint64_t* to, const uint64_t* before, const Payment& payment) const {
  std::memcpy(to, before, size_t{plan_.row_words} * 8);
  to[0] = static_cast<uint64_t>(payment.event_time.ms());
  to[1] = static_cast<uint32_t>(count_prefix(before) + 1);
  for (size_t i = 0; i < plan_.columns.size(); ++i) {
    const Column& column = plan_.columns[i];
    bool has = has_field(payment, column.field);
    uint64_t& word = to[column.word];
    switch (column.kind) {
      case ColumnKind::sum:
        if (has)
          word += static_cast<uint64_t>(quantity_of(payment, column.field, column_types_[i]));
        break;
      case ColumnKind::present:
        word += has;
        break;
      case ColumnKind::squares:
        if (has) add_square(&word, quantity_of(payment, column.field, column_types_[i]));
        break;
      case ColumnKind::minimum:
      case ColumnKind::maximum:
        word = static_cast<uint64_t>(has ? quantity_of(payment, column.field, column_types_[i])
                                         : kMissingQuantity);
        break;
      case ColumnKind::distinct:
        word = hash_of_field(payment, column.field, column_types_[i]);
        break;
      case ColumnKind::labels:
        break;  // a payment comes without one
      case ColumnKind::place:
        word = place_word(payment, column.place);
        break;
    }
  }
}

uint32_t KeyGroup::last_row_at_or_before(const Slot& slot, int64_t time) const {
  uint32_t low = slot.start,
           high = slot.end;  // row `low` is at or before (or the first); row `high` is after
  while (high - low > 1) {
    uint32_t middle = (low + high) / 2;
    (time_at(slot, middle) <= time ? low : high) = middle;
  }
  return low;
}

void KeyGroup::drop_expired(Slot& slot, int64_t horizon_ms) const {
  while (slot.start + 1 < slot.end && time_at(slot, slot.start + 1u) <= horizon_ms) ++slot.start;
  for (size_t w = 0; w < plan_.windows.size(); ++w)
    CHECK(slot.tails[w] >= slot.start, "a window reaches behind its history");
}

// Makes place for one more row behind `end`. Folding depends on the rows within the horizon alone,
// never on capacity.
void KeyGroup::make_room(Slot& slot, int64_t newest, int64_t horizon_ms) {
  if (history_size(slot) >= options_.events_per_key_max) {
    drop_expired(slot, horizon_ms);
    if (history_size(slot) >= options_.events_per_key_max) fold(slot, newest, horizon_ms);
  }
  if (slot.end < capacity(slot)) return;
  drop_expired(slot, horizon_ms);
  if (slot.start > 0 && slot.start >= capacity(slot) / 4) return shift(slot, slot.start);
  if (slot.size_class + 1u < capacities_.size()) return move_to_class(slot, slot.size_class + 1u);
  shift(slot, slot.start);
  CHECK(slot.end < capacity(slot), "a key's history outgrew its limit");
}

void KeyGroup::shift(Slot& slot, uint32_t by) const {
  if (by == 0) return;
  std::memmove(rows(slot), row(slot, by), size_t{slot.end - by} * plan_.row_words * 8);
  slot.start = static_cast<uint16_t>(slot.start - by);
  slot.end = static_cast<uint16_t>(slot.end - by);
  for (size_t w = 0; w < plan_.windows.size(); ++w)
    slot.tails[w] = static_cast<uint16_t>(slot.tails[w] - by);
  uint32_t* values = running(slot);
  for (size_t i = 0; i < plan_.running.size(); ++i)
    if (plan_.running[i].kind != ColumnKind::distinct)
      values[i] = values[i] == kNoRow || values[i] < by ? kNoRow : values[i] - by;
}

// Into a block of another size, with the history at its beginning.
void KeyGroup::move_to_class(Slot& slot, size_t size_class) {
  shift(slot, slot.start);
  uint64_t* block = pool_.take(size_class);
  std::memcpy(block, slot.block, (header_words_ + size_t{slot.end} * plan_.row_words) * 8);
  pool_.give_back(slot.block, slot.size_class);
  slot.block = block;
  slot.size_class = static_cast<uint16_t>(size_class);
}

void KeyGroup::merge_into(uint64_t* bucket, const uint64_t* older) const {
  for (const Column& column : plan_.columns) {
    uint64_t &mine = bucket[column.word], theirs = older[column.word];
    auto a = static_cast<int64_t>(mine), b = static_cast<int64_t>(theirs);
    if (column.kind == ColumnKind::minimum || column.kind == ColumnKind::maximum) {
      bool take = column.kind == ColumnKind::minimum ? b < a : b > a;
      if (b != kMissingQuantity && (a == kMissingQuantity || take)) mine = theirs;
    } else if (column.kind == ColumnKind::distinct) {
      mine += theirs;  // both are counts by now
    }
  }
}

// Oldest first, rows of one time bucket become one row, until an eighth of the limit is free. There
// are at most limit / 2 buckets in the retention, so this always ends well.
void KeyGroup::fold(Slot& slot, int64_t newest, int64_t horizon_ms) {
  int64_t width = std::max<int64_t>(1, plan_.retention.ms() * 2 / options_.events_per_key_max);
  auto bucket_of = [&](const uint64_t* r) {
    auto t = static_cast<int64_t>(r[0]);
    return t / width - (t % width < 0);
  };
  uint32_t surplus = history_size(slot) - options_.events_per_key_max * 7 / 8;
  uint32_t to = slot.start, from = slot.start + 1u;
  for (; from < slot.end && surplus > 0; ++from) {
    uint64_t* r = row(slot, from);
    for (const Column& column : plan_.columns)
      if (column.kind == ColumnKind::distinct && !is_folded(r))
        r[column.word] = !(r[1] & superseded_bit(column.distinct_index));
    r[1] |= kFolded;
    if (to > slot.start && bucket_of(row(slot, to)) == bucket_of(r)) {
      merge_into(r, row(slot, to));
      --surplus;
    } else {
      ++to;
    }
    std::memmove(row(slot, to), r, size_t{plan_.row_words} * 8);
  }
  std::memmove(row(slot, to + 1), row(slot, from), size_t{slot.end - from} * plan_.row_words * 8);
  slot.end = static_cast<uint16_t>(slot.end - (from - to - 1));
  rebuild_running(slot, newest, horizon_ms);
}

void KeyGroup::append(Slot& slot, const Payment& payment, int64_t horizon_ms) {
  int64_t newest = payment.event_time.ms();
  advance_tails(slot, newest, horizon_ms);  // first: room is made behind the tails
  make_room(slot, newest, horizon_ms);
  write_row(row(slot, slot.end), row(slot, slot.end - 1u), payment);
  for (const Column& column : plan_.columns)
    if (column.kind == ColumnKind::distinct) count_new_value(slot, column);
  ++slot.end;
  slot.newest = newest;
  update_extremes(slot);
}

void KeyGroup::advance_tails(Slot& slot, int64_t newest, int64_t horizon_ms) const {
  uint32_t* values = running(slot);
  for (size_t w = 0; w < plan_.windows.size(); ++w) {
    int64_t cutoff = std::max(newest - plan_.windows[w].ms(), horizon_ms);
    uint32_t tail = slot.tails[w];
    while (tail + 1 < slot.end && time_at(slot, tail + 1) <= cutoff) {
      const uint64_t* leaving = row(slot, ++tail);
      for (size_t i = 0; i < plan_.running.size(); ++i) {
        const Running& what = plan_.running[i];
        if (what.kind != ColumnKind::distinct || what.window != w) continue;
        if (is_folded(leaving))
          values[i] -= static_cast<uint32_t>(leaving[what.word]);
        else
          values[i] -= !(leaving[1] & superseded_bit(what.distinct_index));
      }
    }
    slot.tails[w] = static_cast<uint16_t>(tail);
  }
}

// The distinct values of a window are its rows whose value is not seen again later ("superseded"),
// since all windows end at the newest row.
void KeyGroup::count_new_value(Slot& slot, const Column& column) const {
  uint64_t* fresh = row(slot, slot.end);
  uint64_t bit = superseded_bit(column.distinct_index), value = fresh[column.word];
  if (value == 0) {
    fresh[1] |= bit;
    return;
  }
  uint32_t oldest = plan_.windows.empty() ? slot.start : slot.tails[plan_.windows.size() - 1];
  uint32_t seen = slot.end - 1u;
  while (seen > oldest && (row(slot, seen)[column.word] != value || is_folded(row(slot, seen))))
    --seen;
  if (seen > oldest) row(slot, seen)[1] |= bit;
  uint32_t* values = running(slot);
  for (size_t i = 0; i < plan_.running.size(); ++i)
    if (plan_.running[i].kind == ColumnKind::distinct && plan_.running[i].word == column.word)
      values[i] += seen <= slot.tails[plan_.running[i].window] || seen <= oldest;
}

uint32_t KeyGroup::extreme_row(const uint64_t* base, const Running& what, uint32_t tail,
                               uint32_t end) const {
  uint32_t best = kNoRow;
  int64_t extreme = 0;
  for (uint32_t i = tail + 1; i < end; ++i) {
    auto v = static_cast<int64_t>(base[size_t{i} * plan_.row_words + what.word]);
    if (v == kMissingQuantity) continue;
    bool better = what.kind == ColumnKind::minimum ? v <= extreme : v >= extreme;
    if (best != kNoRow && !better) continue;
    best = i;
    extreme = v;
  }
  return best;
}

void KeyGroup::update_extremes(Slot& slot) const {
  uint32_t* values = running(slot);
  uint32_t newest = slot.end - 1u;
  for (size_t i = 0; i < plan_.running.size(); ++i) {
    const Running& what = plan_.running[i];
    if (what.kind == ColumnKind::distinct) continue;
    uint32_t tail = slot.tails[what.window], known = values[i];
    bool stale = known == kNoRow || known <= tail;
    values[i] = stale ? extreme_row(rows(slot), what, tail, slot.end)
                      : extreme_row(rows(slot), what, newest - 1, slot.end);
    if (stale) continue;
    if (values[i] == kNoRow) {
      values[i] = known;
      continue;
    }
    auto a = static_cast<int64_t>(row(slot, known)[what.word]),
         b = static_cast<int64_t>(row(slot, newest)[what.word]);
    if (what.kind == ColumnKind::minimum ? a < b : a > b) values[i] = known;
  }
}

uint32_t KeyGroup::insert_late(Slot& slot, const Payment& payment, int64_t horizon_ms) {
  int64_t newest = time_at(slot, slot.end - 1u);
  advance_tails(slot, newest, horizon_ms);
  make_room(slot, newest, horizon_ms);
  uint32_t at = last_row_at_or_before(slot, payment.event_time.ms()) + 1;
  std::memmove(row(slot, at + 1), row(slot, at), size_t{slot.end - at} * plan_.row_words * 8);
  ++slot.end;
  uint64_t* fresh = row(slot, at);
  write_row(fresh, row(slot, at - 1), payment);
  add_to_later_rows(slot, at + 1, row(slot, at - 1), fresh);
  if (is_folded(row(slot, at + 1))) {  // folded rows are the oldest ones, without exception
    fresh[1] |= kFolded;
    for (const Column& column : plan_.columns)
      if (column.kind == ColumnKind::distinct) fresh[column.word] = fresh[column.word] != 0;
  }
  for (const Column& column : plan_.columns)
    if (column.kind == ColumnKind::distinct) mark_last_seen(slot, column);
  rebuild_running(slot, newest, horizon_ms);
  return at;
}

void KeyGroup::add_to_later_rows(Slot& slot, uint32_t from, const uint64_t* before,
                                 const uint64_t* added) const {
  for (uint32_t i = from; i < slot.end; ++i) {
    uint64_t* r = row(slot, i);
    add_count(r, 1);
    for (const Column& column : plan_.columns) {
      uint16_t w = column.word;
      if (column.kind == ColumnKind::sum || column.kind == ColumnKind::present)
        r[w] += added[w] - before[w];
      if (column.kind != ColumnKind::squares) continue;
      uint64_t low = added[w] - before[w],
               high = added[w + 1] - before[w + 1] - (added[w] < before[w]);
      r[w] += low;
      r[w + 1] += high + (r[w] < low);
    }
  }
}

void KeyGroup::mark_last_seen(Slot& slot, const Column& column) const {
  uint64_t bit = superseded_bit(column.distinct_index);
  std::vector<std::pair<uint64_t, uint32_t>> seen;  // value, row
  for (uint32_t i = slot.start + 1u; i < slot.end; ++i)
    if (!is_folded(row(slot, i))) seen.emplace_back(row(slot, i)[column.word], i);
  std::sort(seen.begin(), seen.end());
  for (size_t k = 0; k < seen.size(); ++k) {
    bool again = seen[k].first == 0 || (k + 1 < seen.size() && seen[k + 1].first == seen[k].first);
    uint64_t& flags = row(slot, seen[k].second)[1];
    flags = again ? flags | bit : flags & ~bit;
  }
}

void KeyGroup::rebuild_running(Slot& slot, int64_t newest, int64_t horizon_ms) const {
  for (size_t w = 0; w < plan_.windows.size(); ++w)
    slot.tails[w] = static_cast<uint16_t>(
        last_row_at_or_before(slot, std::max(newest - plan_.windows[w].ms(), horizon_ms)));
  uint32_t* values = running(slot);
  for (size_t i = 0; i < plan_.running.size(); ++i) {
    const Running& what = plan_.running[i];
    uint32_t tail = slot.tails[what.window];
    if (what.kind != ColumnKind::distinct) {
      values[i] = extreme_row(rows(slot), what, tail, slot.end);
      continue;
    }
    values[i] = 0;
    for (uint32_t k = tail + 1; k < slot.end; ++k) {
      const uint64_t* r = row(slot, k);
      values[i] += is_folded(r) ? static_cast<uint32_t>(r[what.word])
                                : !(r[1] & superseded_bit(what.distinct_index));
    }
  }
}

}  // namespace paywarden

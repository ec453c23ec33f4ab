// KeyGroup, part two: rows coming, going, moving and folding.
#include <algorithm>
#include <bit>
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

void KeyGroup::write_row(uint64_t* to, const uint64_t* before, const Payment& payment,
                         const uint64_t* hashes) const {
  for (uint32_t w = 2, words = plan_.row_words; w < words; ++w) to[w] = before[w];
  to[0] = static_cast<uint64_t>(payment.event_time.ms());
  to[1] = static_cast<uint32_t>(count_prefix(before) + 1);
  for (const Column& column : plan_.columns) {
    uint64_t& word = to[column.word];
    switch (column.kind) {
      case ColumnKind::sum:
        if (has_field(payment, column.field))
          word += static_cast<uint64_t>(quantity_of(payment, column.field, column.type));
        break;
      case ColumnKind::present:
        word += has_field(payment, column.field);
        break;
      case ColumnKind::squares:
        if (has_field(payment, column.field))
          add_square(&word, quantity_of(payment, column.field, column.type));
        break;
      case ColumnKind::minimum:
      case ColumnKind::maximum:
        word = static_cast<uint64_t>(has_field(payment, column.field)
                                         ? quantity_of(payment, column.field, column.type)
                                         : kMissingQuantity);
        break;
      case ColumnKind::distinct:
        word = hashes[column.hash];
        break;
      case ColumnKind::labels:
        break;  // a payment comes without one
      case ColumnKind::place:
        word = place_word(payment, column.place);
        break;
    }
  }
}

uint32_t KeyGroup::last_row_at_or_before(const History& history, int64_t time) const {
  // Row `low` is at or before (or the first); row `high` is after.
  uint32_t low = history.start, high = history.end;
  while (high - low > 1) {
    uint32_t middle = (low + high) / 2;
    (time_at(history, middle) <= time ? low : high) = middle;
  }
  return low;
}

void KeyGroup::drop_expired(History& history, int64_t horizon_ms) const {
  while (history.start + 1 < history.end && time_at(history, history.start + 1u) <= horizon_ms)
    ++history.start;
  for (size_t w = 0; w < plan_.windows.size(); ++w)
    CHECK(history.tails[w] >= history.start, "a window reaches behind its history");
}

// Makes place for one more row behind `end`. Folding depends on the rows within the horizon alone,
// never on capacity.
void KeyGroup::make_room(Slot& slot, int64_t newest, int64_t horizon_ms) {
  History& history = *slot.history;
  if (history_size(history) >= options_.events_per_key_max) {
    drop_expired(history, horizon_ms);
    if (history_size(history) >= options_.events_per_key_max) fold(history, newest, horizon_ms);
  }
  if (history.end < capacity(history)) return;
  drop_expired(history, horizon_ms);
  if (history.start > 0 && history.start >= capacity(history) / 4)
    return shift(history, history.start);
  if (history.size_class + 1u < capacities_.size())
    return move_to_class(slot, history.size_class + 1u);
  shift(history, history.start);
  CHECK(history.end < capacity(history), "a key's history outgrew its limit");
}

void KeyGroup::shift(History& history, uint32_t by) const {
  if (by == 0) return;
  std::memmove(rows(history), row(history, by), size_t{history.end - by} * plan_.row_words * 8);
  history.start = static_cast<uint16_t>(history.start - by);
  history.end = static_cast<uint16_t>(history.end - by);
  for (size_t w = 0; w < plan_.windows.size(); ++w)
    history.tails[w] = static_cast<uint16_t>(history.tails[w] - by);
  uint32_t* values = running(history);
  for (size_t i = 0; i < plan_.running.size(); ++i)
    if (plan_.running[i].kind != ColumnKind::distinct)
      values[i] = values[i] == kNoRow || values[i] < by ? kNoRow : values[i] - by;
  for (uint16_t d = 0; d < distinct_columns_; ++d)
    std::memmove(tags(history, d), tags(history, d) + by, history.end * sizeof(uint16_t));
}

// Into a block of another size, with the history at its beginning.
void KeyGroup::move_to_class(Slot& slot, size_t size_class) {
  shift(*slot.history, slot.history->start);
  History& from = *slot.history;
  History& to = *new_block(size_class);
  std::memcpy(bytes_of(to), bytes_of(from), sizeof(History) + plan_.running.size() * 4);
  to.size_class = static_cast<uint16_t>(size_class);
  std::memcpy(rows(to), rows(from), size_t{to.end} * plan_.row_words * 8);
  for (uint16_t d = 0; d < distinct_columns_; ++d)
    std::memcpy(tags(to, d), tags(from, d), to.end * sizeof(uint16_t));
  pool_.give_back(reinterpret_cast<uint64_t*>(&from), from.size_class);
  slot.history = &to;
}

void KeyGroup::write_tags(const History& history) const {
  for (const Column& column : plan_.columns) {
    if (column.kind != ColumnKind::distinct) continue;
    uint16_t* column_tags = tags(history, column.distinct_index);
    for (uint32_t i = 0; i < history.end; ++i)
      column_tags[i] = tag_of(row(history, i)[column.word]);
  }
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
void KeyGroup::fold(History& history, int64_t newest, int64_t horizon_ms) {
  int64_t width = std::max<int64_t>(1, plan_.retention.ms() * 2 / options_.events_per_key_max);
  auto bucket_of = [&](const uint64_t* r) {
    auto t = static_cast<int64_t>(r[0]);
    return t / width - (t % width < 0);
  };
  uint32_t surplus = history_size(history) - options_.events_per_key_max * 7 / 8;
  uint32_t to = history.start, from = history.start + 1u;
  for (; from < history.end && surplus > 0; ++from) {
    uint64_t* r = row(history, from);
    for (const Column& column : plan_.columns)
      if (column.kind == ColumnKind::distinct && !is_folded(r))
        r[column.word] = !(r[1] & superseded_bit(column.distinct_index));
    r[1] |= kFolded;
    if (to > history.start && bucket_of(row(history, to)) == bucket_of(r)) {
      merge_into(r, row(history, to));
      --surplus;
    } else {
      ++to;
    }
    std::memmove(row(history, to), r, size_t{plan_.row_words} * 8);
  }
  std::memmove(row(history, to + 1), row(history, from),
               size_t{history.end - from} * plan_.row_words * 8);
  history.end = static_cast<uint16_t>(history.end - (from - to - 1));
  history.folded = 1;
  write_tags(history);
  rebuild_running(history, newest, horizon_ms);
}

void KeyGroup::append(Slot& slot, const Payment& payment, const uint64_t* hashes,
                      int64_t horizon_ms) {
  int64_t newest = payment.event_time.ms();
  advance_tails(*slot.history, newest, horizon_ms);  // first: room is made behind the tails
  make_room(slot, newest, horizon_ms);
  History& history = *slot.history;
  write_row(row(history, history.end), row(history, history.end - 1u), payment, hashes);
  for (const Column& column : plan_.columns)
    if (column.kind == ColumnKind::distinct) count_new_value(history, column);
  ++history.end;
  history.newest = newest;
  update_extremes(history);
}

void KeyGroup::leave_window(const History& history, size_t window, const uint64_t* leaving) const {
  uint32_t* values = running(history);
  for (size_t i = leaving_from_[window]; i < leaving_from_[window + 1]; ++i) {
    const Leaving& what = leaving_[i];
    if (is_folded(leaving))
      values[what.running] -= static_cast<uint32_t>(leaving[what.word]);
    else
      values[what.running] -= !(leaving[1] & what.superseded);
  }
}

void KeyGroup::advance_tails(History& history, int64_t newest, int64_t horizon_ms) const {
  const uint64_t* base = rows(history);
  const size_t stride = plan_.row_words, windows = plan_.windows.size();
  const uint64_t* end = base + history.end * stride;
  for (size_t w = 0; w < windows; ++w) {
    int64_t cutoff = std::max(newest - window_ms_[w], horizon_ms);
    const uint64_t* next = base + (history.tails[w] + size_t{1}) * stride;
    if (next == end || static_cast<int64_t>(*next) > cutoff) continue;
    uint16_t tail = history.tails[w];
    for (; next != end && static_cast<int64_t>(*next) <= cutoff; ++tail, next += stride)
      leave_window(history, w, next);
    history.tails[w] = tail;
  }
}

// The newest row that holds the value, among those behind `oldest`; `oldest` where none does.
uint32_t KeyGroup::last_row_with(const History& history, const Column& column, uint64_t value,
                                 uint32_t oldest) const {
  const uint16_t *column_tags = tags(history, column.distinct_index), tag = tag_of(value);
  uint32_t seen = history.end - 1u;
  auto is_it = [&](uint32_t i) {
    const uint64_t* r = row(history, i);
    return r[column.word] == value && !is_folded(r);
  };
  for (; seen > oldest; seen -= kTagsAtOnce) {
    // At the oldest ones, bytes before the tags may be looked at: they are the block's.
    uint32_t found = equal_tags(column_tags + seen + 1 - kTagsAtOnce, tag);
    const uint32_t left = seen - oldest;
    if (left < kTagsAtOnce) found &= ~0u << (kTagsAtOnce - left);
    while (found) {
      uint32_t last = static_cast<uint32_t>(std::bit_width(found)) - 1;
      uint32_t i = seen + 1 - kTagsAtOnce + last;
      if (is_it(i)) return i;
      found ^= 1u << last;
    }
    if (left <= kTagsAtOnce) break;
  }
  return oldest;
}

// The distinct values of a window are its rows whose value is not seen again later ("superseded"),
// since all windows end at the newest row.
void KeyGroup::count_new_value(History& history, const Column& column) const {
  uint64_t* fresh = row(history, history.end);
  uint64_t bit = superseded_bit(column.distinct_index), value = fresh[column.word];
  tags(history, column.distinct_index)[history.end] = tag_of(value);
  if (value == 0) {
    fresh[1] |= bit;
    return;
  }
  // What is older is in no window that counts values, but for a late payment's; that looks at the values themselves, and at marks only
  // where rows are folded, which makes it approximate.
  uint32_t oldest = history.tails[distinct_windows_[column.distinct_index]];
  uint32_t seen = last_row_with(history, column, value, oldest);
  if (seen > oldest) row(history, seen)[1] |= bit;
  uint32_t* values = running(history);
  for (const Leaving& what : leaving_)
    if (what.word == column.word)
      values[what.running] += seen <= history.tails[plan_.running[what.running].window];
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

void KeyGroup::update_extremes(History& history) const {
  uint32_t* values = running(history);
  uint32_t newest = history.end - 1u;
  for (size_t i = 0; i < plan_.running.size(); ++i) {
    const Running& what = plan_.running[i];
    if (what.kind == ColumnKind::distinct) continue;
    uint32_t tail = history.tails[what.window], known = values[i];
    bool stale = known == kNoRow || known <= tail;
    values[i] = stale ? extreme_row(rows(history), what, tail, history.end)
                      : extreme_row(rows(history), what, newest - 1, history.end);
    if (stale) continue;
    if (values[i] == kNoRow) {
      values[i] = known;
      continue;
    }
    auto a = static_cast<int64_t>(row(history, known)[what.word]),
         b = static_cast<int64_t>(row(history, newest)[what.word]);
    if (what.kind == ColumnKind::minimum ? a < b : a > b) values[i] = known;
  }
}

uint32_t KeyGroup::insert_late(Slot& slot, const Payment& payment, const uint64_t* hashes,
                               int64_t horizon_ms) {
  int64_t newest = slot.history->newest;
  advance_tails(*slot.history, newest, horizon_ms);
  make_room(slot, newest, horizon_ms);
  History& history = *slot.history;
  uint32_t at = last_row_at_or_before(history, payment.event_time.ms()) + 1;
  std::memmove(row(history, at + 1), row(history, at),
               size_t{history.end - at} * plan_.row_words * 8);
  ++history.end;
  uint64_t* fresh = row(history, at);
  write_row(fresh, row(history, at - 1), payment, hashes);
  add_to_later_rows(history, at + 1, row(history, at - 1), fresh);
  if (is_folded(row(history, at + 1))) {  // folded rows are the oldest ones, without exception
    fresh[1] |= kFolded;
    for (const Column& column : plan_.columns)
      if (column.kind == ColumnKind::distinct) fresh[column.word] = fresh[column.word] != 0;
  }
  for (const Column& column : plan_.columns)
    if (column.kind == ColumnKind::distinct) mark_last_seen(history, column);
  write_tags(history);
  rebuild_running(history, newest, horizon_ms);
  return at;
}

void KeyGroup::add_to_later_rows(History& history, uint32_t from, const uint64_t* before,
                                 const uint64_t* added) const {
  for (uint32_t i = from; i < history.end; ++i) {
    uint64_t* r = row(history, i);
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

void KeyGroup::mark_last_seen(History& history, const Column& column) const {
  uint64_t bit = superseded_bit(column.distinct_index);
  std::vector<std::pair<uint64_t, uint32_t>> seen;  // value, row
  for (uint32_t i = history.start + 1u; i < history.end; ++i)
    if (!is_folded(row(history, i))) seen.emplace_back(row(history, i)[column.word], i);
  std::sort(seen.begin(), seen.end());
  for (size_t k = 0; k < seen.size(); ++k) {
    bool again = seen[k].first == 0 || (k + 1 < seen.size() && seen[k + 1].first == seen[k].first);
    uint64_t& flags = row(history, seen[k].second)[1];
    flags = again ? flags | bit : flags & ~bit;
  }
}

void KeyGroup::rebuild_running(History& history, int64_t newest, int64_t horizon_ms) const {
  for (size_t w = 0; w < plan_.windows.size(); ++w)
    history.tails[w] = static_cast<uint16_t>(
        last_row_at_or_before(history, std::max(newest - plan_.windows[w].ms(), horizon_ms)));
  uint32_t* values = running(history);
  for (size_t i = 0; i < plan_.running.size(); ++i) {
    const Running& what = plan_.running[i];
    uint32_t tail = history.tails[what.window];
    if (what.kind != ColumnKind::distinct) {
      values[i] = extreme_row(rows(history), what, tail, history.end);
      continue;
    }
    values[i] = 0;
    for (uint32_t k = tail + 1; k < history.end; ++k) {
      const uint64_t* r = row(history, k);
      values[i] += is_folded(r) ? static_cast<uint32_t>(r[what.word])
                                : !(r[1] & superseded_bit(what.distinct_index));
    }
  }
}

}  // namespace paywarden

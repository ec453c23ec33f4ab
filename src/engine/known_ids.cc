#include "engine/known_ids.h"

#ifdef __SSE2__
#include <emmintrin.h>
#endif

#include <algorithm>
#include <bit>
#include <cstring>
#include <random>

#include "base/prefetch.h"

namespace paywarden {
namespace {

// Bit i: tags[i] is `tag`, of 16.
uint32_t equal_tags(const uint8_t* tags, uint8_t tag) {
#ifdef __SSE2__
  __m128i equal = _mm_cmpeq_epi8(_mm_loadu_si128(reinterpret_cast<const __m128i*>(tags)),
                                 _mm_set1_epi8(static_cast<char>(tag)));
  return static_cast<uint32_t>(_mm_movemask_epi8(equal));
#else
  uint32_t equal = 0;
  for (uint32_t i = 0; i < 16; ++i) equal |= uint32_t{tags[i] == tag} << i;
  return equal;
#endif
}

}  // namespace

uint64_t KnownIds::place_of(Hash128 id) {
  static const Hash128 kKey = [] {
    std::random_device random;
    auto word = [&random] { return uint64_t{random()} << 32 | random(); };
    return Hash128{word(), word()};
  }();
  return fold(id.low ^ kKey.low, id.high ^ kKey.high);
}

uint8_t KnownIds::tag_of(uint64_t place) {
  auto tag = static_cast<uint8_t>(place / (kSlots / kGroup));
  return tag ? tag : 1;
}

void KnownIds::prefetch(const Key& key) const {
  if (segments_.empty()) return;
  const uint64_t place = key.place;
  prefetch_line(&segments_[segment_of(place)].slots->tags[group_of(place) * kGroup]);
}

const KnownIds::Entry* KnownIds::find(const Key& key) const {
  if (segments_.empty()) return nullptr;
  const uint64_t place = key.place;
  const Slots& slots = *segments_[segment_of(place)].slots;
  const uint8_t tag = tag_of(place);
  for (uint32_t group = group_of(place);; group = (group + 1) % (kSlots / kGroup)) {
    const uint8_t* tags = slots.tags + group * kGroup;
    for (uint32_t maybe = equal_tags(tags, tag); maybe; maybe &= maybe - 1) {
      const Entry& entry =
          slots.entries[group * kGroup + static_cast<uint32_t>(std::countr_zero(maybe))];
      if (entry.id == key.id) return &entry;
    }
    if (equal_tags(tags, 0)) return nullptr;
  }
}

// A tag is another id's once in some twenty looks, and that id's place is as far away as any.
void KnownIds::prefetch_maybe(const Key& key) const {
  if (segments_.empty()) return;
  const uint64_t place = key.place;
  const Slots& slots = *segments_[segment_of(place)].slots;
  const uint32_t first = group_of(place) * kGroup;
  if (uint32_t maybe = equal_tags(slots.tags + first, tag_of(place)))
    prefetch_line(&slots.entries[first + static_cast<uint32_t>(std::countr_zero(maybe))]);
}

uint32_t KnownIds::free_slot(const Slots& slots, uint64_t place) {
  uint32_t group = group_of(place), free = 0;
  while ((free = equal_tags(slots.tags + group * kGroup, 0)) == 0)
    group = (group + 1) % (kSlots / kGroup);
  return group * kGroup + static_cast<uint32_t>(std::countr_zero(free));
}

void KnownIds::prefetch_free(const Key& key) const {
  if (segments_.empty()) return;
  const uint64_t place = key.place;
  const Slots& slots = *segments_[segment_of(place)].slots;
  prefetch_line(&slots.entries[free_slot(slots, place)]);
}

void KnownIds::put(Segment& segment, uint64_t place, const Entry& entry) {
  uint32_t slot = free_slot(*segment.slots, place);
  segment.slots->tags[slot] = tag_of(place);
  segment.slots->entries[slot] = entry;
  ++segment.used;
}

void KnownIds::insert(const Key& key, uint64_t digest, uint64_t sequence) {
  if (segments_.empty()) {
    segments_.push_back({new_slots(), 0, 0});
    directory_.assign(1, 0);
  }
  while (segments_[segment_of(key.place)].used == kSlotsUsedMax) split(key.place);
  put(segments_[segment_of(key.place)], key.place, {key.id, digest, sequence});
  ++used_;
  sum_ += hash_combine(hash_combine(key.id.low, digest), sequence);
}

// A chunk is as large as all before it, up to a huge page, so that a table of few ids is small.
KnownIds::Slots* KnownIds::new_slots() {
  if (!cleared_.empty()) {
    Slots* slots = cleared_.back();
    cleared_.pop_back();
    std::memset(slots->tags, 0, sizeof(slots->tags));
    return slots;
  }
  if (unused_ == 0) {
    unused_ = std::clamp<size_t>(segments_.size(), 1, kSegmentsAChunk);
    size_t bytes = unused_ == kSegmentsAChunk ? size_t{2} << 20 : unused_ * sizeof(Slots);
    chunks_.push_back(std::make_unique<SystemMemory>(bytes));
    *chunks_.back()->data() = 0;  // a page that is read before it is written is asked for twice
  }
  --unused_;
  return reinterpret_cast<Slots*>(chunks_.back()->data()) + unused_;
}

void KnownIds::clear() {
  for (const Segment& segment : segments_) cleared_.push_back(segment.slots);
  segments_.clear();
  directory_.clear();
  depth_ = 0;
  used_ = 0;
  sum_ = 0;
}

// Half of its ids, by one more bit of their places, go to a new segment.
void KnownIds::split(uint64_t place) {
  const uint32_t index = segment_of(place);
  const uint32_t depth = ++segments_[index].depth;
  if (depth > depth_) {
    std::vector<uint32_t> doubled(directory_.size() * 2);
    for (size_t i = 0; i < doubled.size(); ++i) doubled[i] = directory_[i / 2];
    directory_ = std::move(doubled);
    depth_ = depth;
  }
  auto fresh = static_cast<uint32_t>(segments_.size());
  segments_.push_back({new_slots(), 0, depth});
  const size_t half = size_t{1} << (depth_ - depth);  // of its places in the directory
  size_t begin = (place >> (64 - depth_)) & ~(2 * half - 1);
  std::fill_n(directory_.begin() + static_cast<std::ptrdiff_t>(begin + half), half, fresh);

  Segment &old = segments_[index], &other = segments_[fresh];
  std::vector<Entry> moving;
  moving.reserve(old.used);
  for (uint32_t i = 0; i < kSlots; ++i)
    if (old.slots->tags[i]) moving.push_back(old.slots->entries[i]);
  std::memset(old.slots->tags, 0, sizeof(old.slots->tags));
  old.used = 0;
  for (const Entry& entry : moving) {
    uint64_t its = place_of(entry.id);
    put(its >> (64 - depth) & 1 ? other : old, its, entry);
  }
}

}  // namespace paywarden

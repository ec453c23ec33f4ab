// The histories of all values of one key (every card, every merchant, ...): exact sliding windows
// over event time.
//
// A key is a Slot (one cache line) and a block: running values, then rows in order of event time
// (GroupPlan). Row `start` is the last payment before the history; rows start+1 .. end-1 are the
// history. A window of the newest payment is a pair of indices, its sum a difference of two
// prefixes; the indices move forward as time does, so a payment costs O(1) a window. A late payment
// is put in its place (moving what is later), and its own windows are found by binary search.
//
// Bounds. Rows older than watermark - retention are dropped when room is needed and are never seen
// (but for the last of them, which time_since_last and distance may need). A key at
// events_per_key_max folds its oldest payments into buckets of retention * 2 / events_per_key_max
// each: a window that ends inside a bucket then counts that bucket whole, so it is as exact as a
// window at most one bucket longer (and, for a late payment that falls into a bucket, up to one
// bucket shorter at its other end); min and max are exact over that window; count_distinct counts a
// value again that returns after it was folded. Such features are reported as approximate. A key
// idle for key_idle_max is forgotten.
//
// Cost: 64 bytes of slot at a load of 3/8 to 3/4, and 8 * row_words bytes a payment in blocks that
// grow by half. One thread.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "base/byte_io.h"
#include "base/chunked_writer.h"
#include "features/block_pool.h"
#include "features/group_plan.h"
#include "features/slot_table.h"

namespace paywarden {

class KeyGroup {
 public:
  KeyGroup(GroupPlan plan, const FieldTable& fields, const FeatureOptions& options);

  const GroupPlan& plan() const { return plan_; }
  // 64 bits that stand for the payment's value of this key; 0: a field of the key is missing.
  uint64_t key_of(const Payment& payment) const;

  void prefetch_slot(uint64_t key) const { table_.prefetch(key); }
  void prefetch_rows(uint64_t key);  // once the slot is near

  // Counts the payment in and writes the features of this key to `out` (by Step::output; NaN where
  // missing), the approximate ones' outputs behind `approximate`. `watermark`: the newest event
  // time in the log, this payment's included.
  void observe(uint64_t key, const Payment& payment, EventTime watermark, float* out,
               std::vector<uint16_t>& approximate);
  // A payment's label came, changed or was taken back: -1, 0 or +1 each.
  void apply_label(uint64_t key, EventTime payment_time, int fraud_change, int labelled_change,
                   EventTime watermark);

  size_t keys() const { return table_.size(); }
  size_t bytes() const { return table_.bytes() + pool_.bytes_reserved(); }
  size_t history_bytes() const { return pool_.bytes_used(); }

  // Everything that can change a later feature, order of keys and dropped rows aside: equal states,
  // equal hashes.
  uint64_t state_hash(EventTime watermark) const;
  void save(EventTime watermark, ChunkedWriter& out) const;
  bool load(ByteReader& in);

 private:
  // One payment's look at a history.
  struct View {
    const uint64_t* base;                             // row 0
    uint32_t position;                                // the payment's own row
    int64_t first_seen;                               // ms
    std::array<uint32_t, kWindowsPerKeyMax> tails{};  // for each window the last row before it
    const uint32_t* running = nullptr;  // null: compute from the rows (a late payment)
  };

  uint64_t* rows(const Slot& slot) const { return slot.block + header_words_; }
  uint64_t* row(const Slot& slot, uint32_t i) const {
    return rows(slot) + size_t{i} * plan_.row_words;
  }
  int64_t time_at(const Slot& slot, uint32_t i) const {
    return static_cast<int64_t>(*row(slot, i));
  }
  uint32_t* running(const Slot& slot) const { return reinterpret_cast<uint32_t*>(slot.block); }
  uint32_t capacity(const Slot& slot) const { return capacities_[slot.size_class]; }
  int64_t horizon(EventTime watermark) const { return (watermark - plan_.retention).ms(); }
  bool forgotten(const Slot& slot, EventTime watermark) const;

  Slot& slot_for(uint64_t key, const Payment& payment, EventTime watermark);
  void start_history(Slot& slot, EventTime first_seen);
  void sweep(EventTime watermark);
  void make_room(Slot& slot, int64_t newest, int64_t horizon_ms);
  uint32_t history_size(const Slot& slot) const { return slot.end - slot.start - 1u; }
  void drop_expired(Slot& slot, int64_t horizon_ms) const;
  void shift(Slot& slot, uint32_t by) const;
  void move_to_class(Slot& slot, size_t size_class);
  void fold(Slot& slot, int64_t newest, int64_t horizon_ms);
  void merge_into(uint64_t* bucket, const uint64_t* older) const;

  void write_row(uint64_t* to, const uint64_t* before, const Payment& payment) const;
  void append(Slot& slot, const Payment& payment, int64_t horizon_ms);
  void advance_tails(Slot& slot, int64_t newest, int64_t horizon_ms) const;
  void count_new_value(Slot& slot, const Column& column) const;
  void update_extremes(Slot& slot) const;
  uint32_t insert_late(Slot& slot, const Payment& payment, int64_t horizon_ms);
  void add_to_later_rows(Slot& slot, uint32_t from, const uint64_t* before,
                         const uint64_t* added) const;
  void rebuild_running(Slot& slot, int64_t newest, int64_t horizon_ms) const;
  void mark_last_seen(Slot& slot, const Column& column) const;
  uint32_t last_row_at_or_before(const Slot& slot, int64_t time) const;
  // Over rows tail+1 .. end-1 of `base`, by looking at each.
  uint32_t count_distinct_slowly(const uint64_t* base, uint16_t word, uint32_t tail,
                                 uint32_t end) const;
  uint32_t extreme_row(const uint64_t* base, const Running& what, uint32_t tail,
                       uint32_t end) const;

  void evaluate(const View& view, float* out, std::vector<uint16_t>& approximate) const;
  float value_of(const Step& step, const View& view) const;
  float windowed(const Step& step, const View& view) const;
  float of_rows(const Step& step, const View& view) const;
  void outside(const Payment& payment, const Slot* slot, float* out) const;
  void write_logical(const Slot& slot, int64_t horizon_ms, ByteWriter& out) const;

  GroupPlan plan_;
  FeatureOptions options_;
  std::vector<FieldType> column_types_;
  std::vector<uint32_t> capacities_;  // rows of each size class
  uint32_t header_words_;
  BlockPool pool_;
  SlotTable table_;
  uint64_t sweep_position_ = 0;
  uint32_t observed_ = 0;  // since the last look of the sweep
};

}  // namespace paywarden

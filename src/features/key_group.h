// The histories of all values of one key (every card, every merchant, ...): exact sliding windows
// over event time.
//
// A key is a block: its History, running values, tags, then rows in order of event time (GroupPlan).
// A tag is 16 bits of a row's value of a column whose distinct values are counted: whether a value
// came before is looked up there, eight at a time, and confirmed in the row. Row `start` is the last payment before the history; rows start+1 .. end-1 are the
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
// Cost: 16 bytes of slot at a load of 3/8 to 3/4, 48 bytes of History and 4 a running value, and
// 8 * row_words + 2 * distinct columns bytes a payment in blocks that grow by half. One thread.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "base/byte_io.h"
#include "base/chunked_writer.h"
#include "features/block_pool.h"
#include "features/geo.h"
#include "features/group_plan.h"
#include "features/slot_table.h"

namespace paywarden {

class KeyGroup {
 public:
  KeyGroup(GroupPlan plan, const FeatureOptions& options);

  const GroupPlan& plan() const { return plan_; }
  // Each field whose hash the group wants of a payment, for its key and for its distinct values,
  // is one of `hashed`, which grows by what is not there yet.
  void bind_hashes(std::vector<FieldIndex>& hashed);
  // 64 bits that stand for the payment's value of this key; 0: a field of the key is missing.
  // `hashes`: of the bound fields (hash_of_field).
  uint64_t key_of(const uint64_t* hashes) const;

  // Memory asked for ahead of observe, each some payments after the one before.
  void prefetch_slot(const KeyRef& ref) const { table_.prefetch(ref); }
  void prefetch_block(KeyRef& ref);
  void prefetch_rows(const KeyRef& ref);

  // Where features go.
  struct Outputs {
    float* row;                          // by Step::output; NaN where missing
    std::vector<uint16_t>& approximate;  // outputs of those that are, behind what is there
    DistanceBatch& distances;            // distances and speeds are in `row` once it is settled
  };
  // Counts the payment in and gives the features of this key. `watermark`: the newest event time in
  // the log, this payment's included.
  void observe(const KeyRef& ref, const Payment& payment, const uint64_t* hashes,
               EventTime watermark, const Outputs& out);
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
    const uint64_t* base;     // row 0
    uint32_t position;        // the payment's own row
    int64_t first_seen;       // ms
    const uint16_t* tails;    // for each window the last row before it
    const uint32_t* running;  // null: compute from the rows (a late payment)
    bool folded;              // some rows may be buckets
  };
  // A running count of distinct values.
  struct Leaving {
    uint16_t running;
    uint16_t word;
    uint64_t superseded;
  };

  static char* bytes_of(const History& history) {
    return const_cast<char*>(reinterpret_cast<const char*>(&history));
  }
  uint64_t* rows(const History& history) const {
    return reinterpret_cast<uint64_t*>(bytes_of(history) + rows_at_[history.size_class]);
  }
  uint64_t* row(const History& history, uint32_t i) const {
    return rows(history) + size_t{i} * plan_.row_words;
  }
  int64_t time_at(const History& history, uint32_t i) const {
    return static_cast<int64_t>(*row(history, i));
  }
  uint32_t* running(const History& history) const {
    return reinterpret_cast<uint32_t*>(bytes_of(history) + sizeof(History));
  }
  uint16_t* tags(const History& history, uint16_t distinct_index) const {
    return reinterpret_cast<uint16_t*>(running(history) + plan_.running.size()) +
           size_t{distinct_index} * capacity(history);
  }
  uint32_t capacity(const History& history) const { return capacities_[history.size_class]; }
  int64_t horizon(EventTime watermark) const { return (watermark - plan_.retention).ms(); }
  bool forgotten(const History& history, EventTime watermark) const;

  Slot& slot_for(const KeyRef& ref, const Payment& payment, EventTime watermark);
  History* new_block(size_t size_class);
  void start_history(History& history, EventTime first_seen);
  void sweep(EventTime watermark);
  void make_room(Slot& slot, int64_t newest, int64_t horizon_ms);
  static uint32_t history_size(const History& history) { return history.end - history.start - 1u; }
  void drop_expired(History& history, int64_t horizon_ms) const;
  void shift(History& history, uint32_t by) const;
  void move_to_class(Slot& slot, size_t size_class);
  void fold(History& history, int64_t newest, int64_t horizon_ms);
  void merge_into(uint64_t* bucket, const uint64_t* older) const;
  void write_tags(const History& history) const;

  void write_row(uint64_t* to, const uint64_t* before, const Payment& payment,
                 const uint64_t* hashes) const;
  void append(Slot& slot, const Payment& payment, const uint64_t* hashes, int64_t horizon_ms);
  void advance_tails(History& history, int64_t newest, int64_t horizon_ms) const;
  void leave_window(const History& history, size_t window, const uint64_t* leaving) const;
  uint32_t last_row_with(const History& history, const Column& column, uint64_t value,
                         uint32_t oldest) const;
  void count_new_value(History& history, const Column& column) const;
  void update_extremes(History& history) const;
  uint32_t insert_late(Slot& slot, const Payment& payment, const uint64_t* hashes,
                       int64_t horizon_ms);
  void add_to_later_rows(History& history, uint32_t from, const uint64_t* before,
                         const uint64_t* added) const;
  void rebuild_running(History& history, int64_t newest, int64_t horizon_ms) const;
  void mark_last_seen(History& history, const Column& column) const;
  uint32_t last_row_at_or_before(const History& history, int64_t time) const;
  // Over rows tail+1 .. end-1 of `base`, by looking at each.
  uint32_t count_distinct_slowly(const uint64_t* base, uint16_t word, uint32_t tail,
                                 uint32_t end) const;
  uint32_t extreme_row(const uint64_t* base, const Running& what, uint32_t tail,
                       uint32_t end) const;

  // What the steps of one window look at.
  struct Window {
    const uint64_t *own, *before,
        *tail;  // rows: the payment's, the one before it, before the window
    uint32_t payments;
  };
  void evaluate(const View& view, const Outputs& out) const;
  void list_approximate(const View& view, std::vector<uint16_t>& approximate) const;
  float windowed(const Step& step, const Window& window, const View& view) const;
  float running_value(const Step& step, const View& view) const;
  float fraud_rate(const Step& step, const Window& window, const View& view) const;
  uint32_t known_since(const Step& step, uint32_t tail, const View& view) const;
  float of_frauds(const Step& step, const Window& window, const View& view) const;
  float against_rows(const Step& step, const Window& window) const;
  float count_above(const Step& step, const Window& window, const View& view) const;
  void of_rows(const Step& step, const View& view, const Outputs& out) const;
  void outside(const Payment& payment, const uint64_t* hashes, const History* history,
               const Outputs& out) const;
  void restore(History& history, EventTime first_seen, uint32_t row_count, std::string_view bytes);
  void write_logical(const Slot& slot, int64_t horizon_ms, ByteWriter& out) const;

  GroupPlan plan_;
  FeatureOptions options_;
  std::vector<uint16_t> key_hashes_;  // of the key's fields, among the bound ones
  std::array<int64_t, kWindowsPerKeyMax> window_ms_{};
  // Steps of window w: plan_.steps[steps_from_[w] .. steps_from_[w + 1]); behind them those without.
  std::array<uint16_t, kWindowsPerKeyMax + 1> steps_from_{};
  // What a row takes along that leaves window w: leaving_[leaving_from_[w] .. leaving_from_[w + 1])
  std::vector<Leaving> leaving_;
  std::array<uint16_t, kWindowsPerKeyMax + 1> leaving_from_{};
  std::vector<uint32_t> capacities_;  // rows of each size class
  std::vector<uint32_t> rows_at_;     // bytes from a block's beginning to its rows, by class
  uint16_t distinct_columns_ = 0;
  std::vector<uint8_t> distinct_windows_;  // by distinct index: the longest that counts its values
  BlockPool pool_;
  SlotTable table_;
  mutable std::vector<int64_t> others_;  // of against_rows
  uint64_t sweep_position_ = 0;
  uint32_t sweeps_due_ = 0;  // in 1 / kPaymentsASweep
};

}  // namespace paywarden

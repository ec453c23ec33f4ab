// sliced_forest.h's loops, written once for both sets of vectors; included by sliced_*.cc alone,
// inside a namespace of their own and behind their `#pragma GCC target` (so it includes nothing
// itself).
//
// Machine has: choose(right, by, left): the bits of `right` where `by` has a 1, of `left` elsewhere; width, and
// compare<takes_missing>(x, thresholds, count, bits): of so many tests of one feature the bits of
// `width` rows whose values are x, 16 bytes apart; Sums<Words>, of 64 rows a word: add(leaves,
// values) looks the leaves of one tree up and adds them, store(to) gives the sums in an order that
// put_in_order<Words>(sums, count, to) turns into the rows'.

using Bits = __m128i;  // two words, a bit for each of 128 rows

// The six bits of the leaf of each of 64 rows: word 2 + level, the root's first; words 0 and 1 are 0.
using Leaf = uint64_t[8];

// The bits of level `Plane`, of those rows that come by `Node`.
template <typename Machine, uint32_t Plane, uint32_t Node = 1, uint32_t Level = 0>
[[gnu::always_inline]] inline Bits way(const uint64_t* words, const uint16_t* place,
                                       const Bits* planes) {
  if constexpr (Level == Plane)
    return _mm_load_si128(reinterpret_cast<const Bits*>(words + place[Node]));
  else
    return Machine::choose(way<Machine, Plane, 2 * Node + 1, Level + 1>(words, place, planes),
                           planes[Level],
                           way<Machine, Plane, 2 * Node, Level + 1>(words, place, planes));
}

template <typename Machine, int Words, uint32_t Plane = 0>
[[gnu::always_inline]] inline void walk(const uint64_t* words, const uint16_t* place, Bits* planes,
                                        Leaf* leaves) {
  if constexpr (Plane < SlicedForest::depth_max) {
    planes[Plane] = way<Machine, Plane>(words, place, planes);
    for (int word = 0; word < Words; ++word) leaves[word][2 + Plane] = planes[Plane][word];
    walk<Machine, Words, Plane + 1>(words, place, planes, leaves);
  }
}

template <typename Machine>
void make_tests(const SlicedForest& forest, const FloatRows& rows, uint64_t* words) {
  alignas(64) float x[SlicedForest::rows_max] = {};
  const float* thresholds = forest.thresholds();
  for (const SlicedForest::Column& column : forest.columns()) {
    for (size_t row = 0; row < rows.count; ++row) x[row] = rows.at(row, column.column);
    for (size_t row = 0; row < rows.count; row += Machine::width) {
      char* bits = reinterpret_cast<char*>(words) + row / 8;
      Machine::template compare<true>(x + row, thresholds + column.first,
                                      column.left - column.first, bits + 16 * column.first);
      Machine::template compare<false>(x + row, thresholds + column.left, column.end - column.left,
                                       bits + 16 * column.left);
    }
  }
}

template <typename Machine, int Words>
void sum_rows(const SlicedForest& forest, const FloatRows& rows, float* sums) {
  constexpr size_t rows_in = 64 * Words, together = 16;
  // What make_tests() does not write is read, too: bits of rows that are not there, which choose
  // between leaves that nobody wants.
  alignas(64) uint64_t words[2 * SlicedForest::tests_max];
  make_tests<Machine>(forest, rows, words);
  alignas(64) float by_lane[lanes][rows_in];
  // Bits of some trees before any of their leaves: words that were written one by one can be had as
  // a whole register only when all are in the cache.
  alignas(64) Leaf leaves[together][Words] = {};
  const auto& trees = forest.trees();
  for (size_t lane = 0; lane < lanes; ++lane) {
    typename Machine::template Sums<Words> lane_sums;
    for (size_t first = lane; first < trees.size(); first += together * lanes) {
      size_t end = std::min(trees.size(), first + together * lanes);
      for (size_t t = first, i = 0; t < end; t += lanes, ++i) {
        Bits planes[SlicedForest::depth_max];
        walk<Machine, Words>(words, trees[t].place, planes, leaves[i]);
      }
      for (size_t t = first, i = 0; t < end; t += lanes, ++i)
        lane_sums.add(leaves[i], trees[t].leaves);
    }
    lane_sums.store(by_lane[lane]);
  }
  for (size_t step = lanes / 2; step > 0; step /= 2)
    for (size_t k = 0; k < step; ++k)
      for (size_t row = 0; row < rows_in; ++row) by_lane[k][row] += by_lane[k + step][row];
  Machine::template put_in_order<Words>(by_lane[0], rows.count, sums);
}

template <typename Machine>
void sum_sliced(const SlicedForest& forest, const FloatRows& rows, float* sums) {
  if (rows.count <= 64)
    sum_rows<Machine, 1>(forest, rows, sums);
  else
    sum_rows<Machine, 2>(forest, rows, sums);
}

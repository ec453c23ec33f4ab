// Blocks never overlap, and what is given back serves blocks of any size.
#include "features/block_pool.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

#include "base/random.h"

namespace paywarden {
namespace {

const std::vector<size_t> kSizes = {16, 72, 160, 240, 392, 1000, 4096, 65'544, 700'000, 5'000'000};

struct Block {
  uint64_t* words;
  size_t size_class;
  uint64_t mark;
};

void fill(const Block& block) {
  std::fill_n(block.words, kSizes[block.size_class] / 8, block.mark);
}
bool is_whole(const Block& block) {
  return std::all_of(block.words, block.words + kSizes[block.size_class] / 8,
                     [&](uint64_t word) { return word == block.mark; });
}

TEST(BlockPool, BlocksKeepWhatIsWrittenIntoThem) {
  BlockPool pool(kSizes);
  Random random(1);
  std::vector<Block> out;
  size_t used = 0;
  for (int i = 0; i < 60'000; ++i) {
    bool grow = random.chance(i / 10'000 % 2 ? 0.4 : 0.6);
    if (grow || out.empty()) {
      size_t most = random.chance(0.002) ? kSizes.size() : kSizes.size() - 3;
      Block block{nullptr, random.below(most), random.next()};
      block.words = pool.take(block.size_class);
      ASSERT_EQ(reinterpret_cast<uintptr_t>(block.words) % 8, 0u);
      used += kSizes[block.size_class];
      fill(block);
      out.push_back(block);
    } else {
      std::swap(out[random.below(out.size())], out.back());
      ASSERT_TRUE(is_whole(out.back())) << i;
      used -= kSizes[out.back().size_class];
      pool.give_back(out.back().words, out.back().size_class);
      out.pop_back();
    }
    ASSERT_EQ(pool.bytes_used(), used);
    ASSERT_GE(pool.bytes_reserved(), used);
  }
  for (const Block& block : out) EXPECT_TRUE(is_whole(block));
}

TEST(BlockPool, NeighboursThatAreFreeBecomeOnePiece) {
  BlockPool pool(kSizes);
  Random random(2);
  std::vector<uint64_t*> small;
  while (pool.bytes_reserved() <= size_t{20} << 20) small.push_back(pool.take(2));
  size_t reserved = pool.bytes_reserved();
  for (size_t i = small.size(); i > 1; --i) std::swap(small[i - 1], small[random.below(i)]);
  for (uint64_t* block : small) pool.give_back(block, 2);
  EXPECT_EQ(pool.bytes_used(), 0u);
  for (int i = 0; i < 20; ++i) pool.take(8);  // two a chunk
  EXPECT_EQ(pool.bytes_reserved(), reserved);
}

TEST(BlockPool, ABlockThatComesBackIsTakenAgain) {
  for (size_t bytes :
       {size_t{16}, size_t{1'096}, size_t{66'000}, size_t{1'966'064}, size_t{1'966'080},
        size_t{2'097'072}, size_t{4'000'000}, size_t{6'200'000}, size_t{20'000'000}}) {
    BlockPool pool({bytes});
    pool.give_back(pool.take(0), 0);
    size_t once = pool.bytes_reserved();
    for (int i = 0; i < 50; ++i) pool.give_back(pool.take(0), 0);
    EXPECT_EQ(pool.bytes_reserved(), once) << bytes;
    EXPECT_LE(once, bytes * 9 / 8 + (size_t{2} << 20)) << bytes;
  }
}

// As keys are forgotten and others come: blocks of one size are enough for blocks of that size, wherever the lists are cut.
TEST(BlockPool, TurnoverTakesNoMoreThanWhatIsInUse) {
  for (size_t units : {16u, 17u, 19u, 31u, 33u, 47u, 65u, 129u}) {
    BlockPool pool({units * 64 - 8});
    Random random(units);
    std::vector<uint64_t*> out(10'000);
    for (uint64_t*& block : out) block = pool.take(0);
    size_t reserved = pool.bytes_reserved();
    for (int round = 0; round < 30; ++round) {
      for (size_t i = out.size(); i > 1; --i) std::swap(out[i - 1], out[random.below(i)]);
      for (size_t i = 0; i < 1'000; ++i) pool.give_back(out[i], 0);
      for (size_t i = 0; i < 1'000; ++i) out[i] = pool.take(0);
    }
    EXPECT_LE(pool.bytes_reserved(), reserved * 11 / 10) << units;
  }
}

// As windows fill: all keys outgrow their blocks at about the same time.
TEST(BlockPool, GrowingTogetherTakesLittleMoreThanWhatIsInUse) {
  std::vector<size_t> sizes;
  for (size_t bytes = 160; bytes < 8'000; bytes = bytes / 2 * 3 / 8 * 8) sizes.push_back(bytes);
  BlockPool pool(sizes);
  Random random(3);
  struct Key {
    uint64_t* block;
    size_t size_class;
  };
  std::vector<Key> keys(5'000);
  for (Key& key : keys) key = {pool.take(0), 0};
  for (size_t step = 0; step < keys.size() * (sizes.size() - 2); ++step) {
    Key& key = keys[random.below(keys.size())];
    if (key.size_class + 1 == sizes.size()) continue;
    uint64_t* larger = pool.take(key.size_class + 1);
    pool.give_back(key.block, key.size_class);
    key = {larger, key.size_class + 1};
  }
  EXPECT_LT(static_cast<double>(pool.bytes_reserved()),
            1.35 * static_cast<double>(pool.bytes_used()));
}

}  // namespace
}  // namespace paywarden

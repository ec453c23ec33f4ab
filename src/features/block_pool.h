// Memory for the histories of many keys: blocks of a few sizes, cut from chunks of 2 MiB (huge pages where the kernel gives them).
// Keys outgrow their blocks again and again, so neighbours that are free become one piece, of which a larger block is cut: after
// TLSF (M. Masmano, I. Ripoll, A. Crespo, J. Real, "TLSF: a New Dynamic Memory Allocator for Real-Time Systems", 2004), whose every
// step takes constant time.
//
//   BlockPool pool({160, 240, 400});
//   uint64_t* block = pool.take(1);       // 240 bytes, not zeroed
//   pool.give_back(block, 1);
//
// Cost: 8 bytes a block, rounded up to a multiple of 64. Never returns a chunk before the pool ends. One thread.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace paywarden {

class BlockPool {
 public:
  // `sizes`: bytes of each class, ascending, multiples of 8, at most 1 GiB.
  explicit BlockPool(std::vector<size_t> sizes);
  ~BlockPool();
  BlockPool(BlockPool&&) noexcept = default;
  BlockPool& operator=(BlockPool&&) = delete;

  size_t classes() const { return sizes_.size(); }
  uint64_t* take(size_t size_class);
  void give_back(uint64_t* block, size_t size_class);
  size_t bytes_reserved() const { return reserved_; }  // from the system
  size_t bytes_used() const { return used_; }          // in blocks that are out

 private:
  // A piece of a chunk, in units of 64 bytes, one behind the other; at the chunk's end one of no size stands that is never free.
  struct Piece {
    uint32_t units;
    uint32_t units_before : 31;  // of the piece before; 0: the first of its chunk
    uint32_t is_free : 1;
    Piece *next, *previous;  // of its list, while it is free; else the block begins here
  };
  // Lists of free pieces: of 2^row * (1 + column / kColumns) units and more.
  static constexpr uint32_t kRows = 26, kColumns = 8;
  struct Place {
    uint32_t row, column;
  };

  static Piece* behind(Piece* piece);
  static Piece* before(Piece* piece);
  static Place place_of(uint32_t units);
  static uint32_t step_at(uint32_t units);
  Piece* find_free(uint32_t units);
  void list(Piece* piece);
  void unlist(Piece* piece);
  Piece* new_chunk(uint32_t units);

  std::vector<size_t> sizes_;
  std::array<std::array<Piece*, kColumns>, kRows> lists_{};
  std::array<uint8_t, kRows> columns_{};  // bit c: lists_[row][c] holds something
  uint32_t rows_ = 0;                     // bit r: columns_[r] is not 0
  std::vector<void*> chunks_;
  size_t reserved_ = 0, used_ = 0;
};

}  // namespace paywarden

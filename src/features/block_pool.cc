#include "features/block_pool.h"

#include <sys/mman.h>

#include <bit>
#include <cstdlib>
#include <utility>

#include "base/check.h"

namespace paywarden {
namespace {

constexpr size_t kChunk = size_t{2} << 20;
constexpr size_t kUnit = 64;
constexpr size_t kHead = 8;  // of a piece, before its block

uint32_t units_for(size_t bytes) {
  return static_cast<uint32_t>((bytes + kHead + kUnit - 1) / kUnit);
}

}  // namespace

BlockPool::BlockPool(std::vector<size_t> sizes) : sizes_(std::move(sizes)) {
  static_assert(offsetof(Piece, next) == kHead && sizeof(Piece) <= kUnit);
  for (size_t bytes : sizes_) CHECK(bytes <= size_t{1} << 30, "a block is larger than a pool has");
}

BlockPool::~BlockPool() {
  for (void* chunk : chunks_) std::free(chunk);
}

BlockPool::Piece* BlockPool::behind(Piece* piece) {
  return reinterpret_cast<Piece*>(reinterpret_cast<char*>(piece) + piece->units * kUnit);
}

BlockPool::Piece* BlockPool::before(Piece* piece) {
  return reinterpret_cast<Piece*>(reinterpret_cast<char*>(piece) - piece->units_before * kUnit);
}

// The list that holds pieces of that size; below kColumns units each size has its own, in row 0.
BlockPool::Place BlockPool::place_of(uint32_t units) {
  if (units < kColumns) return {0, units};
  auto log = static_cast<uint32_t>(std::bit_width(units)) - 1;
  constexpr uint32_t kColumnBits = std::countr_zero(kColumns);
  return {log - kColumnBits + 1, (units >> (log - kColumnBits)) % kColumns};
}

void BlockPool::list(Piece* piece) {
  auto [row, column] = place_of(piece->units);
  Piece*& head = lists_[row][column];
  piece->is_free = 1;
  piece->previous = nullptr;
  piece->next = head;
  if (head) head->previous = piece;
  head = piece;
  columns_[row] = static_cast<uint8_t>(columns_[row] | 1u << column);
  rows_ |= 1u << row;
}

void BlockPool::unlist(Piece* piece) {
  auto [row, column] = place_of(piece->units);
  piece->is_free = 0;
  if (piece->next) piece->next->previous = piece->previous;
  if (piece->previous) {
    piece->previous->next = piece->next;
    return;
  }
  lists_[row][column] = piece->next;
  if (piece->next) return;
  columns_[row] = static_cast<uint8_t>(columns_[row] & ~(1u << column));
  if (columns_[row] == 0) rows_ &= ~(1u << row);
}

// From one size that begins a list to the next.
uint32_t BlockPool::step_at(uint32_t units) {
  uint32_t row = place_of(units).row;
  return row > 1 ? 1u << (row - 1) : 1;
}

// A piece of the list that the size itself belongs to, where one of the first is large enough: mostly those of the same blocks. Else of
// a list whose pieces all are.
BlockPool::Piece* BlockPool::find_free(uint32_t units) {
  constexpr int kLookedAt = 4;
  auto [row, column] = place_of(units);
  Piece* same = lists_[row][column];
  for (int i = 0; i < kLookedAt && same; ++i, same = same->next)
    if (same->units >= units) return same;
  auto [row_up, column_up] = place_of(units + step_at(units) - 1);
  row = row_up;
  column = column_up;
  uint32_t columns = columns_[row] & (0xffu << column);
  if (columns == 0) {
    uint32_t rows = row + 1 < 32 ? rows_ & (~0u << (row + 1)) : 0;
    if (rows == 0) return nullptr;
    row = static_cast<uint32_t>(std::countr_zero(rows));
    columns = columns_[row];
  }
  return lists_[row][static_cast<uint32_t>(std::countr_zero(columns))];
}

BlockPool::Piece* BlockPool::new_chunk(uint32_t units) {
  size_t bytes = ((units + size_t{1}) * kUnit + kChunk - 1) / kChunk * kChunk;
  void* chunk = std::aligned_alloc(kChunk, bytes);
  CHECK(chunk != nullptr, "out of memory for window state");
  madvise(chunk, bytes, MADV_HUGEPAGE);  // advice only: works without
  chunks_.push_back(chunk);
  reserved_ += bytes;
  auto* piece = static_cast<Piece*>(chunk);
  piece->units = static_cast<uint32_t>(bytes / kUnit) - 1;
  piece->units_before = 0;
  Piece* end = behind(piece);
  end->units = 0;
  end->units_before = piece->units;
  end->is_free = 0;
  list(piece);
  return piece;
}

uint64_t* BlockPool::take(size_t size_class) {
  used_ += sizes_[size_class];
  const uint32_t units = units_for(sizes_[size_class]);
  Piece* piece = find_free(units);
  // As large as the lists that will be looked at when it is free again.
  if (!piece) piece = new_chunk((units + step_at(units) - 1) / step_at(units) * step_at(units));
  unlist(piece);
  if (uint32_t rest = piece->units - units; rest > 0) {
    piece->units = units;
    Piece* other = behind(piece);
    other->units = rest;
    other->units_before = units;
    behind(other)->units_before = rest;
    list(other);
  }
  return reinterpret_cast<uint64_t*>(&piece->next);
}

void BlockPool::give_back(uint64_t* block, size_t size_class) {
  used_ -= sizes_[size_class];
  auto* piece = reinterpret_cast<Piece*>(reinterpret_cast<char*>(block) - kHead);
  if (Piece* next = behind(piece); next->is_free) {
    unlist(next);
    piece->units += next->units;
  }
  if (piece->units_before > 0 && before(piece)->is_free) {
    Piece* previous = before(piece);
    unlist(previous);
    previous->units += piece->units;
    piece = previous;
  }
  behind(piece)->units_before = piece->units;
  list(piece);
}

}  // namespace paywarden

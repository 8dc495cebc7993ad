// Where the pairs of a ThreeFry draw go, and which of them a slice needs.
//
//   const ThreefryPairs pairs(fill);
//   pairs.for_each_piece(512, [&](std::uint64_t first, std::uint64_t count) { ... });
//   pairs.for_each_run(first, count, [](offset, element, length, has_odd) { ... });
//
// Along the split axis (ThreefryLayout) two neighbours make a pair: the two words of a block, or the
// sine and cosine parts of a normal. Pairs are numbered row-major over the shape whose split axis is
// halved; pair t of row t / inner has its even element `inner` elements before its odd one.
//
// Internal. Thread-safety: values. Source: docs/streams.md sections 2 and 17.
#pragma once

#include <algorithm>
#include <cstdint>

#include "counterpoint/kernels/stream_definition.h"
#include "counterpoint/kernels/threefry.h"

namespace counterpoint::inline v1::kernels {

class ThreefryPairs {
 public:
  explicit ThreefryPairs(const Fill& fill)
      : layout_(fill.shape), first_(fill.first_element), end_(fill.first_element + fill.count) {}

  const ThreefryLayout& layout() const { return layout_; }
  std::uint64_t first() const { return first_; }
  std::uint64_t end() const { return end_; }

  // Whether elements 2 t and 2 t + 1 are pair t, throughout the slice.
  bool in_order() const {
    return layout_.inner == 1 && (layout_.length % 2 == 0 || end_ <= layout_.length);
  }

  // Calls piece(first pair, count) for what the slice needs, at most `most` (even) at a time. Where
  // rows have one element, pieces start and end at even pairs.
  template <class Piece>
  void for_each_piece(std::uint64_t most, const Piece& piece) const {
    const std::uint64_t inner = layout_.inner;
    const Row head = row(first_);
    const Row tail = row(end_ - 1);
    std::uint64_t begin = head.pair_row * inner + (head.odd ? head.column : 0);
    std::uint64_t end = tail.pair_row * inner + (tail.odd ? inner : tail.column + 1);
    if (head.pair_row == tail.pair_row) {
      if (!head.odd && tail.odd && tail.column < head.column) {  // around the end of the even row
        in_pieces(head.pair_row * inner, head.pair_row * inner + tail.column + 1, most, piece);
      }
      if (!head.odd && (!tail.odd || tail.column < head.column)) begin += head.column;
      if (head.odd) end = tail.pair_row * inner + tail.column + 1;
    }
    in_pieces(begin, end, most, piece);
  }

  // Calls run(offset, element, length, has_odd) for the rows of `count` pairs from `begin` on: pairs
  // begin + offset and on have their even elements at `element` and on, and their odd ones `inner`
  // elements later if the row has those.
  template <class Run>
  void for_each_run(std::uint64_t begin, std::uint64_t count, const Run& run) const {
    std::uint64_t pair_row = begin / layout_.inner;
    std::uint64_t column = begin % layout_.inner;
    std::uint64_t outer = pair_row / layout_.half;
    std::uint64_t along = pair_row % layout_.half;
    for (std::uint64_t offset = 0; offset < count;) {
      const std::uint64_t length = std::min(layout_.inner - column, count - offset);
      const std::uint64_t element_row = outer * layout_.length + 2 * along;
      run(offset, element_row * layout_.inner + column, length, 2 * along + 1 < layout_.length);
      offset += length;
      column = 0;
      if (++along == layout_.half) {
        along = 0;
        ++outer;
      }
    }
  }

 private:
  struct Row {
    std::uint64_t pair_row;
    std::uint64_t column;
    bool odd;
  };
  Row row(std::uint64_t element) const {
    const auto [outer, along, column] = layout_.position(element);
    return {outer * layout_.half + along / 2, column, along % 2 != 0};
  }

  template <class Piece>
  void in_pieces(std::uint64_t begin, std::uint64_t end, std::uint64_t most,
                 const Piece& piece) const {
    if (layout_.inner == 1) {
      begin -= begin % 2;
      end += end % 2;
    }
    for (; begin < end; begin += most) piece(begin, std::min(most, end - begin));
  }

  ThreefryLayout layout_;
  std::uint64_t first_;
  std::uint64_t end_;
};

}  // namespace counterpoint::inline v1::kernels

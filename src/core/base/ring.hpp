#pragma once

// A double-ended queue over one growing block: once it has reached its working size it never allocates again, which
// std::deque does every few hundred elements.

#include <algorithm>
#include <cstddef>
#include <vector>

namespace hoist::core {

template <class T>
class ring {
 public:
  bool empty() const noexcept { return size_ == 0; }
  std::size_t size() const noexcept { return size_; }

  T& front() noexcept { return slots_[first_]; }
  T& operator[](std::size_t i) noexcept { return slots_[wrap(first_ + i)]; }
  const T& operator[](std::size_t i) const noexcept { return slots_[wrap(first_ + i)]; }

  void push_back(T value) {
    make_room();
    slots_[wrap(first_ + size_)] = std::move(value);
    ++size_;
  }

  void push_front(T value) {
    make_room();
    first_ = wrap(first_ + slots_.size() - 1);
    slots_[first_] = std::move(value);
    ++size_;
  }

  T pop_front() noexcept {
    T value = std::move(slots_[first_]);
    first_ = wrap(first_ + 1);
    --size_;
    return value;
  }

  /// Takes out the first element equal to `value`; linear, for the rare cancellation.
  bool erase(const T& value) {
    for (std::size_t i = 0; i < size_; ++i) {
      if (!(slots_[wrap(first_ + i)] == value)) continue;
      for (std::size_t j = i + 1; j < size_; ++j) slots_[wrap(first_ + j - 1)] = std::move(slots_[wrap(first_ + j)]);
      --size_;
      return true;
    }
    return false;
  }

 private:
  std::size_t wrap(std::size_t i) const noexcept { return i & (slots_.size() - 1); }

  void make_room() {
    if (size_ < slots_.size()) return;
    std::vector<T> larger(std::max<std::size_t>(16, slots_.size() * 2)); // always a power of two: wrap() masks
    for (std::size_t i = 0; i < size_; ++i) larger[i] = std::move(slots_[wrap(first_ + i)]);
    slots_ = std::move(larger);
    first_ = 0;
  }

  std::vector<T> slots_;
  std::size_t first_ = 0;
  std::size_t size_ = 0;
};

} // namespace hoist::core

// "did you mean": the known word that a mistyped one was probably meant to be.
//
//   nearest_word("amonut", {"amount", "merchant"})   // "amount"
//   nearest_word("xyz", {"amount"})                  // "": nothing is near
#pragma once

#include <span>
#include <string_view>

namespace paywarden {

// Edits (insert, delete, replace, swap of neighbours) between two words; case does not count.
size_t edit_distance(std::string_view a, std::string_view b);

// The nearest candidate within a third of the word's length (at least one edit); the first of
// equals; "" where none is.
std::string_view nearest_word(std::string_view word, std::span<const std::string_view> candidates);

}  // namespace paywarden

// Keeps card numbers out of rules, lists and changes: whatever an analyst pastes there is stored
// and shown, so a text that holds a number which could be a PAN is refused, and never repeated in
// the refusal.
//
//   find_card_number("blocked: 4111 1111 1111 1111")   // 9, where it starts
#pragma once

#include <optional>
#include <string_view>

namespace paywarden {

inline constexpr size_t kCardTokenHexBytes = 32;  // CardToken::hex()

// 32 lower-case hex digits, as the program shows a card's token.
bool is_card_token(std::string_view text);

// Where the first group of digits starts that, alone or with the groups behind it (one space, dash,
// dot or slash between them), has 13 to 19 digits and passes the Luhn check (ISO/IEC 7812-1, annex
// B). Card tokens are skipped.
std::optional<size_t> find_card_number(std::string_view text);

}  // namespace paywarden

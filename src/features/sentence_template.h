// The template of a reason's sentence: words, and places for what is known only when a payment comes.
//
//   TRY_ASSIGN(auto sentence, SentenceTemplate::parse("amount {field} is {times} the usual {usual}"));
//   sentence.uses(SentencePlace::usual)         // true
//   for (const auto& piece : sentence.pieces()) ...
//
// '{{' and '}}' are braces. An error says what is wrong and what was probably meant; where it stands is the caller's to say.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace paywarden {

enum class SentencePlace : uint8_t {
  words,  // no place: what stands there
  value,
  usual,
  times,  // value / usual
  field,  // what the payment itself has in the feature's field
  over,   // the window's length
  size,   // value without its sign: for default sentences alone
};

class SentenceTemplate {
 public:
  struct Piece {
    SentencePlace place = SentencePlace::words;
    std::string words;
  };
  static constexpr size_t kBytesMax = 512;  // a sentence; each decision keeps five

  SentenceTemplate() = default;
  // What a declaration may say.
  static Result<SentenceTemplate> parse(std::string_view text);
  // What a default sentence may: {size} too. A wrong one is a bug.
  static SentenceTemplate of_default(std::string_view text);

  bool empty() const { return pieces_.empty(); }
  bool uses(SentencePlace place) const;
  // Where `place` stands, these words: for what is the same for every payment.
  void settle(SentencePlace place, std::string_view words);
  const std::vector<Piece>& pieces() const { return pieces_; }

 private:
  Status add(std::string_view text, bool is_default);
  std::vector<Piece> pieces_;
};

}  // namespace paywarden

#include "features/sentence_template.h"

#include <algorithm>
#include <array>
#include <span>

#include "base/check.h"
#include "base/spelling.h"

namespace paywarden {
namespace {

using Piece = SentenceTemplate::Piece;

// In the order of SentencePlace, from its second.
constexpr std::array<std::string_view, 6> kPlaces = {"value", "usual", "times",
                                                     "field", "over",  "size"};
constexpr size_t kDeclaredPlaces = kPlaces.size() - 1;  // all but {size}

tl::unexpected<Error> unknown_place(std::string_view name) {
  std::string_view near = nearest_word(name, std::span(kPlaces).first(kDeclaredPlaces));
  return fail("there is no placeholder '{" + std::string(name) + "}'", {},
              near.empty() ? "there are {value}, {usual}, {times}, {field} and {over}; a brace is "
                             "written twice: {{"
                           : "did you mean '{" + std::string(near) + "}'?");
}

}  // namespace

// Takes the text apart at its braces; neighbouring words become one piece.
Status SentenceTemplate::add(std::string_view text, bool is_default) {
  std::string words;
  auto end_words = [&] {
    if (!words.empty()) pieces_.push_back({SentencePlace::words, words});
    words.clear();
  };
  for (size_t i = 0; i < text.size(); ++i) {
    bool brace = text[i] == '{' || text[i] == '}';
    bool twice = brace && i + 1 < text.size() && text[i + 1] == text[i];
    if (!brace || twice) {
      words.push_back(text[i]);
      i += twice;
      continue;
    }
    size_t end = text.find('}', i);
    if (text[i] == '}' || end == std::string_view::npos)
      return fail("a brace stands alone", {}, "write it twice for the sign itself: {{ or }}");
    std::string_view name = text.substr(i + 1, end - i - 1);
    auto known = std::find(kPlaces.begin(), kPlaces.end() - (is_default ? 0 : 1), name);
    if (known == kPlaces.end() - (is_default ? 0 : 1)) return unknown_place(name);
    end_words();
    pieces_.push_back({static_cast<SentencePlace>(known - kPlaces.begin() + 1), {}});
    i = end;
  }
  end_words();
  return {};
}

Result<SentenceTemplate> SentenceTemplate::parse(std::string_view text) {
  if (text.find_first_not_of(' ') == std::string_view::npos)
    return fail("is empty", {}, "leave it out for the default sentence");
  if (text.size() > kBytesMax) return fail("has more than " + std::to_string(kBytesMax) + " bytes");
  auto control = [](char c) { return static_cast<unsigned char>(c) < 32 || c == 127; };
  if (std::any_of(text.begin(), text.end(), control))
    return fail("has a line end or another control character", {}, "a sentence is one line");
  SentenceTemplate out;
  TRY(out.add(text, false));
  return out;
}

SentenceTemplate SentenceTemplate::of_default(std::string_view text) {
  SentenceTemplate out;
  CHECK(out.add(text, true), "a default sentence is wrong");
  return out;
}

bool SentenceTemplate::uses(SentencePlace place) const {
  return std::any_of(pieces_.begin(), pieces_.end(),
                     [&](const Piece& piece) { return piece.place == place; });
}

void SentenceTemplate::settle(SentencePlace place, std::string_view words) {
  for (Piece& piece : pieces_)
    if (piece.place == place) piece = {SentencePlace::words, std::string(words)};
}

}  // namespace paywarden

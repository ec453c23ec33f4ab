// Where a text stops being JSON (RFC 8259), for whoever has to mend it. Reads byte by byte: for what a parser has refused, not for what
// may be fine.
//
//   json_fault(R"({"id":tru})")    // 9: behind "tru" an 'e' is wanted
//   json_fault(R"({"id":1)")       // 7, the text's size: it ends too early
#pragma once

#include <cstddef>
#include <optional>
#include <string_view>

namespace paywarden {

// The first byte, from 0, with which nothing that began so is JSON any more. Nothing where the whole text is JSON.
std::optional<size_t> json_fault(std::string_view text);

}  // namespace paywarden

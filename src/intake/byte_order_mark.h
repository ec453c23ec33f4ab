// The mark that some programs put before UTF-8. Nobody may send it before JSON, and a reader may pass over it (RFC 8259, section 8.1):
// here each does, whichever way an input comes.
//
//   without_byte_order_mark("\xef\xbb\xbf{}")    // "{}"
#pragma once

#include <string_view>

namespace paywarden {

inline constexpr std::string_view kByteOrderMark = "\xef\xbb\xbf";

inline std::string_view without_byte_order_mark(std::string_view text) {
  if (text.starts_with(kByteOrderMark)) text.remove_prefix(kByteOrderMark.size());
  return text;
}

}  // namespace paywarden

// Text made safe to stand in HTML and SVG, between tags and within quoted attributes.
//
//   html_text("<b> & \"c\"")      // "&lt;b&gt; &amp; &quot;c&quot;"
//
// Bytes that are not UTF-8, and control characters, become U+FFFD.
#pragma once

#include <string>
#include <string_view>

namespace paywarden {

std::string html_text(std::string_view text);

}  // namespace paywarden

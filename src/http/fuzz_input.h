// Good requests, and ways to spoil them: input for the fuzz programs.
#pragma once

#include <string>
#include <vector>

#include "base/random.h"

namespace paywarden::http {

inline const std::vector<std::string> kSeeds = {
    "GET /hello?a=b%20c HTTP/1.1\r\nHost: t\r\nAccept: */*\r\n\r\n",
    "POST /echo HTTP/1.1\r\nHost: t\r\nContent-Length: 5\r\n\r\nhello",
    "POST /echo HTTP/1.1\r\nHost: t\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\nhello",
    "POST /echo HTTP/1.1\r\nHost: t\r\nTransfer-Encoding: "
    "chunked\r\n\r\n5;a=\"b\"\r\nhello\r\n0\r\nT: x\r\n\r\n",
    "POST /lines HTTP/1.1\r\nHost: t\r\nTransfer-Encoding: "
    "chunked\r\n\r\n8\r\none\ntwo\n\r\n3\r\nthr\r\n3\r\nee\n\r\n0\r\n\r\n",
    "POST /lines HTTP/1.1\r\nHost: t\r\nContent-Length: 14\r\n\r\none\r\n\r\ntwo\nlast",
    "GET /things/%41/x HTTP/1.1\r\nHost: t\r\nConnection: close\r\n\r\n",
    "GET /events HTTP/1.1\r\nHost: t\r\n\r\n",
    "HEAD http://t/hello HTTP/1.1\r\nHost: t\r\nX: y\r\n z\r\n\r\n"};

inline const std::vector<std::string> kWords = {"\r\n",
                                                "\n",
                                                "\r\n\r\n",
                                                "0\r\n\r\n",
                                                "Transfer-Encoding: chunked\r\n",
                                                "Content-Length: 7\r\n",
                                                "%",
                                                "../",
                                                std::string(1, '\0'),
                                                ";",
                                                "ffffffff\r\n",
                                                ":",
                                                " ",
                                                "\"",
                                                "HTTP/1.1",
                                                "Host: u\r\n"};

inline void mutate(std::string& text, Random& random) {
  size_t at = random.below(text.size() + 1);
  switch (random.below(6)) {
    case 0:
      text.insert(at, 1, static_cast<char>(random.below(256)));
      return;
    case 1:
      text.erase(at, 1 + random.below(8));
      return;
    case 2:
      text.insert(at, kWords[random.below(kWords.size())]);
      return;
    case 3:
      text.insert(at, text.substr(random.below(text.size() + 1), random.below(200)));
      return;
    case 4:
      if (at < text.size()) text[at] = static_cast<char>(text[at] ^ (1 << random.below(8)));
      return;
    default:
      text += kSeeds[random.below(kSeeds.size())];
  }
}

inline std::string fuzz_input(Random& random) {
  std::string text = kSeeds[random.below(kSeeds.size())];
  if (random.below(10) == 0) {
    text.clear();
    for (uint64_t n = random.below(3000); n > 0; --n)
      text.push_back(static_cast<char>(random.below(256)));
  }
  for (uint64_t n = random.below(6); n > 0; --n) mutate(text, random);
  return text;
}

}  // namespace paywarden::http

// What a state saves, as one text: for tests that compare states or load them again.
//
//   std::string bytes = test::saved(core);
//   ByteReader in(bytes);
#pragma once

#include <gtest/gtest.h>

#include <string>
#include <string_view>

#include "base/chunked_writer.h"

namespace paywarden::test {

template <typename State>
std::string saved(const State& state) {
  std::string bytes;
  ChunkedWriter out([&](std::string_view chunk) {
    bytes += chunk;
    return Status();
  });
  state.save(out);
  EXPECT_TRUE(out.finish());
  return bytes;
}

}  // namespace paywarden::test

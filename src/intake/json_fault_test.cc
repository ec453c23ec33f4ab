#include "intake/json_fault.h"

#include <gtest/gtest.h>

#include <string>

namespace paywarden {
namespace {

TEST(JsonFault, TheFirstByteThatCannotStandThere) {
  const struct {
    std::string text;
    size_t at;  // the text's size: it ends too early
  } rows[] = {
      {"", 0},
      {"  ", 2},
      {"{", 1},
      {"x", 0},
      {R"({"id":"p1")", 10},
      {R"({"id":"p1",})", 11},
      {R"({"id" "p1"})", 6},
      {R"({id:"p1"})", 1},
      {R"({"id":"p1" "at":1})", 11},
      {R"({"id":NaN})", 6},
      {R"({"id":tru})", 9},
      {R"({"id":01})", 7},
      {R"({"id":1.})", 8},
      {R"({"id":-})", 7},
      {R"({"id":1e+})", 9},
      {R"({"id":.5})", 6},
      {R"({"a":[1,2,}})", 10},
      {R"({"a":[1 2]})", 8},
      {R"({"a":[1}})", 7},
      {R"({"a":1}x)", 7},
      {R"({"a":1}{})", 7},
      {R"({"a":"\q"})", 7},
      {R"({"a":"\u12"})", 10},
      {R"({"a":"b)", 7},
      {R"({"a":"b\)", 8},
      {"{\"a\":\"b\nc\"}", 7},
      {std::string("{\"a\0", 4), 3},
      {std::string(100'000, '['), 100'000},
  };
  for (const auto& row : rows) EXPECT_EQ(json_fault(row.text), row.at) << row.text.substr(0, 40);
}

TEST(JsonFault, WhatIsJsonHasNone) {
  for (const char* text : {"{}", "[]", "0", "-0.5e-7", "1E9", R"("")", " null ", "true",
                           R"([false,[],{},[{"a":[1]}]])",
                           " { \"a\" : [ 1 , \"\\u00e9\\\"\\/\" ] , \"b\" : { } } \r\n"})
    EXPECT_FALSE(json_fault(text)) << text;
}

}  // namespace
}  // namespace paywarden

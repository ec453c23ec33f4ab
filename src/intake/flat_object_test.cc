// What was read before must not show in what is read now.
#include "intake/flat_object.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <optional>
#include <string>
#include <vector>

namespace paywarden {
namespace {

constexpr size_t kMembersMax = 6;

using Members = std::vector<std::string>;

SourceNames names() {
  SourceNames names;
  uint16_t value = 0;
  for (std::string_view name : {"id", "amount", "device", "merchant_longitude_in_degrees_of_arc"})
    names.add(name, value++);
  return names;
}

// As the reader gives it; behind it, bytes that would go on with it.
std::optional<Members> read(FlatObject& object, std::string_view json, std::string_view behind) {
  std::string padded(json);
  while (padded.size() < json.size() + FlatObject::kPadding) padded += behind;
  if (!object.read({padded.data(), json.size()})) return std::nullopt;
  Members members;
  for (const FlatObject::Member& m : object.members())
    members.push_back(std::to_string(m.entry) + (m.entry < 0 ? std::string(m.name) : "") + "=" +
                      std::to_string(static_cast<int>(m.value.kind)) + std::string(m.value.text()));
  return members;
}

TEST(FlatObject, ReadsEachAsIfItWereTheFirst) {
  const SourceNames known = names();
  const std::vector<std::string> good = {
      R"({"id":"a","amount":1.5,"device":"d"})",
      R"({"id":"b","amount":2})",
      R"({"id":"b","amount":  2})",
      R"({"id":  "b","amount":"2"})",
      R"({"id":"c","amount":"3","device":"d"})",
      R"({"id":"c","amount":null,"device":true})",
      R"({"amount":4,"id":"d"})",
      R"({"device":"d","id":"e","amount":5})",
      R"({ "id" : "f" , "amount" : 6 , "device" : "d" } )",
      R"({"colour":"red","id":"g","amount":7})",
      R"({"id":"h","colour":"red","amount":8,"shape":9})",
      R"({"id":"i","id":"i","amount":9})",
      R"({"id":"a text of more than sixteen and of more than thirty-two bytes","amount":10})",
      R"({"id":"j","merchant_longitude_in_degrees_of_arc":12.5,"amount":11})",
      R"({"id":"k","amount":1234567890.12345678901234567890e5})",
      R"({"a":1,"b":2,"c":3,"d":4,"e":5,"f":6})",
      R"({})",
  };
  const std::vector<std::string> bad = {
      R"("id":"a","amount":1})",
      R"(,"amount":4,"id":"d"})",
      R"(,"id":"d","amount":4})",
      R"({"id":"a","amount":1)",
      R"({"id":"a","amount":1,)",
      R"({"id":"a","amount":)",
      R"({"id":"a","amo)",
      R"({"id":"a)",
      R"({"id":"a","amount":1.5,"device":"d"},)",
      R"({"id":"a","amount":1,})",
      R"({,"id":"a"})",
      R"({"id":"a""amount":1})",
      R"({"id":"a","amount":01})",
      R"({"id":"a","amount":1.})",
      R"({"id":"a","amount":"1})",
      R"({"a":1,"b":2,"c":3,"d":4,"e":5,"f":6,"g":7})",
  };
  std::vector<std::string> objects = good;
  objects.insert(objects.end(), bad.begin(), bad.end());
  const std::vector<std::string> behind = {
      "\n", "\"", "1", "}", R"(,"amount":1.5,"device":"d"})", objects.front()};
  for (const std::string& after : behind)
    for (const std::string& first : objects)
      for (const std::string& second : objects) {
        FlatObject used(known, kMembersMax);
        for (const std::string& json : {first, second, first, second, second}) {
          FlatObject fresh(known, kMembersMax);
          ASSERT_EQ(read(used, json, after), read(fresh, json, "\n"))
              << json << " between " << first << " and " << second << ", before " << after;
        }
      }
  FlatObject object(known, kMembersMax);
  EXPECT_EQ(read(object, good[0], "\n"), (Members{"0=2a", "1=31.5", "2=2d"}));
  EXPECT_EQ(read(object, R"({"id":"h","colour":"red","amount":8,"shape":9})", "\n"),
            (Members{"0=2h", "-1colour=2red", "1=38", "-1shape=39"}));
  for (const std::string& json : good) EXPECT_TRUE(read(object, json, "\n")) << json;
  for (const std::string& json : bad) EXPECT_FALSE(read(object, json, "\n")) << json;
}

}  // namespace
}  // namespace paywarden

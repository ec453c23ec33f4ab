#include "intake/label_parser.h"

#include <gtest/gtest.h>

namespace paywarden {
namespace {

TEST(LabelParser, AByteOrderMarkIsPassedOver) {
  const std::string body = R"({"payment_id":"p1","is_fraud":true,"source":"bank"})";
  for (const std::string& text : {body, "\xef\xbb\xbf" + body}) {
    auto label = parse_label(text, "http", EventTime(7));
    ASSERT_TRUE(label) << label.error().line();
    EXPECT_EQ(label->payment_id, "p1");
    EXPECT_TRUE(label->is_fraud);
    EXPECT_EQ(label->source, "bank");
    EXPECT_EQ(label->event_time, EventTime(7));
  }
  EXPECT_FALSE(parse_label("\xef\xbb\xbf\xef\xbb\xbf" + body, "http", EventTime(7)));
}

}  // namespace
}  // namespace paywarden

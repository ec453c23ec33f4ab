#include <gtest/gtest.h>

#include "payment/decision_json.h"
#include "payment/records.h"

namespace paywarden {
namespace {

Payment sample(const FieldTable& fields, FieldIndex device, FieldIndex age) {
  Payment p;
  p.reset(fields.size());
  p.event_time = EventTime(1'592'741'698'123);
  p.receipt_time = EventTime(1'592'741'699'000);
  p.card.bytes[3] = 7;
  p.card_masked.assign("411111******1111");
  p.amount_minor = 599;
  p.currency = *Currency::parse("USD");
  p.set_text(field::payment_id, "p-1");
  p.set_text(field::merchant, "Schmeler, Inc");
  p.set_number(field::latitude, -40.5);
  p.set_text(device, "d1");
  p.set_integer(age, -3);
  return p;
}

TEST(Records, PaymentSurvivesTheLog) {
  FieldTable fields;
  FieldIndex device = *fields.add("device", FieldType::text, true);
  FieldIndex age = *fields.add("account_age", FieldType::integer);
  Payment p = sample(fields, device, age), back;
  std::string bytes;
  encode_payment(p, fields, bytes);
  ASSERT_TRUE(decode_payment(bytes, fields, back));
  EXPECT_EQ(back.id(), "p-1");
  EXPECT_EQ(back.text(device), "d1");
  EXPECT_EQ(back.value(age).integer, -3);
  EXPECT_EQ(back.value(field::latitude).number, -40.5);
  EXPECT_FALSE(back.has(field::category));
  EXPECT_EQ(body_digest(p, fields), body_digest(back, fields));
  std::string again;
  encode_payment(back, fields, again);
  EXPECT_EQ(bytes, again);
  for (size_t cut = 0; cut < bytes.size(); ++cut)
    EXPECT_FALSE(decode_payment(std::string_view(bytes).substr(0, cut), fields, back)) << cut;
}

TEST(Records, AFieldThatLeftTheSchemaIsSkipped) {
  FieldTable fields, fewer;
  FieldIndex device = *fields.add("device", FieldType::text);
  FieldIndex age = *fields.add("account_age", FieldType::integer);
  FieldIndex kept = *fewer.add("account_age", FieldType::integer);
  std::string bytes;
  encode_payment(sample(fields, device, age), fields, bytes);
  Payment back;
  ASSERT_TRUE(decode_payment(bytes, fewer, back));
  EXPECT_EQ(back.value(kept).integer, -3);
}

TEST(Payment, APaddedTextIsTheSame) {
  FieldTable fields;
  std::string source;
  for (int i = 0; i < 200; ++i) source += static_cast<char>('0' + i % 75);
  for (size_t length = 0; length <= 70; ++length) {
    Payment plain, padded;
    for (Payment* p : {&plain, &padded}) p->reset(fields.size());
    std::string_view text(source.data() + length, length);
    plain.set_text(field::merchant, text);
    padded.set_padded_text(field::merchant, text);
    const char next[64] = "behind it........";
    padded.set_padded_text(field::category, {next, 17});
    plain.set_text(field::category, "behind it........");
    ASSERT_TRUE(padded.has(field::merchant));
    EXPECT_EQ(padded.merchant(), text);
    EXPECT_EQ(padded.text(field::category), "behind it........");
    EXPECT_EQ(padded.text_hash64(field::merchant), plain.text_hash64(field::merchant));
    EXPECT_EQ(body_digest(padded, fields), body_digest(plain, fields));
  }
  // What stands behind a text may be a card number: nothing of it comes along.
  Payment p;
  p.reset(fields.size());
  p.set_padded_text(field::merchant, std::string_view("shop4111111111111111", 4));
  EXPECT_EQ(std::string_view(p.merchant().data(), 16),
            std::string_view("shop\0\0\0\0\0\0\0\0\0\0\0\0", 16));
}

TEST(BodyDigest, VolatileFieldsDoNotCount) {
  FieldTable fields;
  FieldIndex device = *fields.add("device", FieldType::text, true);
  FieldIndex age = *fields.add("account_age", FieldType::integer);
  Payment a = sample(fields, device, age), b = a, c = a, d = a;
  b.set_text(device, "another");
  b.receipt_time = EventTime(0);
  c.set_integer(age, 4);
  d.amount_minor = 600;
  EXPECT_EQ(body_digest(a, fields), body_digest(b, fields));
  EXPECT_NE(body_digest(a, fields), body_digest(c, fields));
  EXPECT_NE(body_digest(a, fields), body_digest(d, fields));
}

// The sender says the values: none of them may make others count for nothing.
TEST(BodyDigest, NoValueHidesAnother) {
  FieldTable fields;
  FieldIndex device = *fields.add("device", FieldType::text, true);
  FieldIndex age = *fields.add("account_age", FieldType::integer);
  const uint64_t by_zero = 0x1d8e4e27c47d124f;  // hash_combine() multiplies it by 0
  ASSERT_EQ(hash_combine(1, by_zero), 0u);
  for (uint64_t word : {by_zero, uint64_t{0}, ~uint64_t{0}}) {
    Payment a = sample(fields, device, age), b;
    a.set_integer(age, static_cast<int64_t>(word));
    b = a;
    b.amount_minor += 1;
    Payment c = a;
    c.event_time = a.event_time + milliseconds(1);
    Payment d = a;
    d.set_number(field::latitude, 12);
    for (const Payment* other : {&b, &c, &d})
      EXPECT_NE(body_digest(a, fields), body_digest(*other, fields)) << word;
  }
}

TEST(Records, LabelAndDecision) {
  LabelRecord label{{"p-1", true, "analyst:maria", EventTime(5)}, "payment bytes"}, back;
  std::string bytes;
  encode_label(label, bytes);
  ASSERT_TRUE(decode_label(bytes, back));
  EXPECT_EQ(back.label.payment_id, "p-1");
  EXPECT_TRUE(back.label.is_fraud);
  EXPECT_EQ(back.payment, "payment bytes");

  Decision decision;
  decision.payment_id = "p-1";
  decision.score = 0.25f;
  decision.outcome = Outcome::review;
  decision.late = true;
  decision.event_time = EventTime(1'592'741'698'000);
  decision.card.assign("411111******1111");
  decision.reasons = {{"amount", double{912.4f}, double{5.83f}, double{-0.1f}},
                      {"kind", 1, 0, 2, "kind is '\"a\"\n\xff'"}};
  bytes.clear();
  encode_decision(decision, 77, bytes);
  DecisionHead head;
  std::string_view json;
  ASSERT_TRUE(decode_decision(bytes, head, json));
  EXPECT_EQ(head.payment_sequence, 77u);
  EXPECT_EQ(json,
            R"({"payment_id":"p-1","outcome":"review","score":0.25,"reasons":[{"feature":"amount",)"
            R"("value":912.4,"usual":5.83,"contribution":-0.1},)"
            R"({"feature":"kind","value":1,"usual":0,"contribution":2,"text":"kind is '\"a\"\n)"
            "\xef\xbf\xbd"
            R"('"}],"rules":[],"model":"",)"
            R"("event_time":"2020-06-21T12:14:58.000Z","card":"411111******1111","late":true})");
}

// From its JSON alone a decision becomes the record that it is where it was made.
TEST(Records, ADecisionComesBackFromItsJson) {
  Decision decision;
  DecisionJson reader;
  for (int flags = 0; flags < 8; ++flags)
    for (Outcome outcome : {Outcome::approve, Outcome::review, Outcome::decline})
      for (float score : {0.0f, 0.1f, 0.33333334f, 0.99999994f, 1.0f}) {
        decision.reset();
        decision.payment_id = "p \"1\"";
        decision.outcome = outcome;
        decision.score = score;
        decision.late = flags & 1;
        decision.guarded = flags & 2;
        decision.observed = flags & 4;
        decision.would_be = outcome;
        decision.rules = {"night", "card \"testing\""};
        decision.model = "cards-1";
        std::string json, expected, actual;
        append_json(decision, json);
        encode_decision(decision, 7, expected);
        DecisionHead head;
        std::string_view id;
        ASSERT_TRUE(reader.read(json, head, id)) << json;
        EXPECT_EQ(id, decision.payment_id);
        head.payment_sequence = 7;
        encode_decision(head, json, actual);
        EXPECT_EQ(actual, expected) << json;
        Decision whole;
        ASSERT_TRUE(reader.read(json, whole)) << json;
        actual.clear();
        whole.event_time = decision.event_time;
        encode_decision(whole, 7, actual);
        EXPECT_EQ(actual, expected) << json;
      }
}

TEST(Money, DecimalsWithoutFloatingPoint) {
  EXPECT_EQ(*parse_minor_units("12.5", 2), 1250);
  EXPECT_EQ(*parse_minor_units("0", 2), 0);
  EXPECT_EQ(*parse_minor_units("-0.07", 2), -7);
  EXPECT_EQ(*parse_minor_units("12.500", 2), 1250);
  EXPECT_EQ(*parse_minor_units("1.5e2", 2), 15000);
  EXPECT_EQ(*parse_minor_units("150e-2", 2), 150);
  EXPECT_EQ(*parse_minor_units(".5", 3), 500);
  EXPECT_EQ(*parse_minor_units("7", 0), 7);
  EXPECT_EQ(*parse_minor_units("0.92", 9), 920'000'000);  // an exchange rate
  EXPECT_EQ(*parse_minor_units("99999999", 6), 99'999'999'000'000);
  EXPECT_EQ(*parse_minor_units("1000000", 9), 1'000'000'000'000'000);
  EXPECT_FALSE(parse_minor_units("1000001", 9));
  EXPECT_FALSE(parse_minor_units("12.501", 2));
  EXPECT_FALSE(parse_minor_units("7.5", 0));
  EXPECT_FALSE(parse_minor_units("", 2));
  EXPECT_FALSE(parse_minor_units("1,000", 2));
  EXPECT_FALSE(parse_minor_units("1e99", 2));
  EXPECT_FALSE(parse_minor_units("99999999999999999999", 2));
  EXPECT_EQ(format_minor_units(7, 2), "0.07");
  EXPECT_EQ(format_minor_units(-1250, 2), "-12.50");
  EXPECT_EQ(format_minor_units(7, 0), "7");
}

}  // namespace
}  // namespace paywarden

#include "intake/schema.h"

#include <gmock/gmock.h>

#include "intake/test_schema.h"

namespace paywarden {
namespace {

using test::schema_of;
using testing::HasSubstr;

// The four fields that every schema needs, one a line from line 4 on.
std::string with(const std::string& head, const std::string& fields = "") {
  return "[schema]\nname = \"x\"\n" + head +
         "\nfield = [\n{source = \"id\", to = \"payment_id\"},\n" +
         "{source = \"t\", to = \"event_time\"},\n{source = \"c\", to = \"card\"},\n{source = "
         "\"a\", to = \"amount\"},\n" +
         fields + "\n]\n";
}

TEST(Schema, TheShippedOnesAreRead) {
  Schema cards = test::schema_file("config/cards.toml");
  EXPECT_EQ(cards.label, "is_fraud");
  EXPECT_EQ(cards.binding_of(field::card)->source, "cc_num");
  EXPECT_EQ(cards.binding_of(field::event_time)->format, TimeFormat::epoch_s);
  EXPECT_EQ(cards.fields[*cards.fields.find("dob")].type, FieldType::time);
  EXPECT_EQ(cards.names.find("street"), kDroppedName);
  EXPECT_EQ(cards.names.find("is_fraud"), kLabelName);
  Schema handbook = test::schema_file("config/handbook.toml");
  EXPECT_EQ(handbook.card_kind, CardKind::id);
  EXPECT_EQ(handbook.amount_decimals, AmountDecimals::round);
  EXPECT_EQ(handbook.names.find("TX_FRAUD_SCENARIO"), kDroppedName);
  Schema demo = test::schema_file("config/demo.toml");
  EXPECT_TRUE(demo.fields.find("device"));
  EXPECT_EQ(demo.names.find("fraud_scenario"), kDroppedName);
}

TEST(Schema, DefaultsAndBounds) {
  Schema schema = *schema_of(
      with("", "{source = \"lat\", to = \"latitude\"},{source = \"note\", type = \"text\"}"));
  EXPECT_EQ(schema.currency.code(), "USD");
  EXPECT_EQ(schema.unknown_fields, UnknownFields::ignore);
  EXPECT_EQ(schema.pan_check, PanCheck::luhn);
  EXPECT_TRUE(schema.binding_of(field::amount)->required);
  EXPECT_FALSE(schema.binding_of(field::latitude)->required);
  EXPECT_EQ(schema.binding_of(field::latitude)->max, 90);
  EXPECT_EQ(schema.names.find("cvv"), kDroppedName);
  EXPECT_EQ(schema.names.find("anything"), SourceNames::kUnknown);
}

struct Mistake {
  const char* head;
  const char* field;
  const char* error;
};

TEST(Schema, MistakesNameThePlace) {
  const Mistake mistakes[] = {
      {"colour = 1", "", "test.toml:3: unknown key 'colour'; known are: name, currency"},
      {"currency = \"euro\"", "", "test.toml:3: 'currency' must be a currency code"},
      {"currency = 5", "", "test.toml:3: 'currency' must be a text in quotes"},
      {"card_kind = \"iban\"", "", "test.toml:3: 'card_kind' must be one of: pan, id"},
      {"drop = \"x\"", "", "test.toml:3: 'drop' must be a list"},
      {"drop = [\"id\"]", "", "the source field 'id' is named twice"},
      {"label = \"id\"", "", "the source field 'id' is named twice"},
      {"", "{source = \"x\", to = \"amount\"}", "test.toml:9: a second field goes to 'amount'"},
      {"", "{source = \"id\", to = \"other\"}", "the source field 'id' is named twice"},
      {"", "{source = \"x\", tpye = \"text\"}", "test.toml:9: unknown key 'tpye'"},
      {"", "{source = \"x\", type = \"string\"}",
       "test.toml:9: 'type' must be one of: text, integer"},
      {"", "{source = \"x\", to = \"merchant\", type = \"number\"}",
       "'type' must be text: 'merchant' is a standard field"},
      {"", "{source = \"x\", type = \"text\", format = \"epoch_s\"}", "'format' must be left out"},
      {"", "{source = \"x\", type = \"time\", format = \"unix\"}",
       "'format' must be one of: iso8601"},
      {"", "{source = \"x\", type = \"text\", min = 1}", "'min' must be left out"},
      {"", "{source = \"x\", type = \"integer\", min = 5, max = 2}", "'min' must be at most 'max'"},
      {"", "{source = \"x\", type = \"number\", max = nan}", "'max' must be a finite number"},
      {"", "{source = \"x\", max_bytes = 9999}",
       "'max_bytes' must be a whole number from 1 to 1024"},
      {"", "{source = \"x\", to = \"Bad Name\"}", "is not a field name"},
      {"", "{source = \"x\", to = \"merchant\", volatile = true}", "'volatile' must be left out"},
      {"", "{source = \"CVV2\", to = \"code\"}", "'CVV2' may not be kept (PCI DSS 3.3.1)"},
      {"", "{source = \"a\\\"b\", to = \"x\"}", "holds a quote, backslash or control character"},
      {"", "{to = \"x\"}", "test.toml:9: a field needs its name at the sender"},
  };
  for (const Mistake& m : mistakes) {
    Result<Schema> schema = schema_of(with(m.head, m.field));
    ASSERT_FALSE(schema) << m.head << m.field;
    EXPECT_THAT(schema.error().line(), HasSubstr(m.error));
  }
}

TEST(Schema, WhatEverySchemaNeeds) {
  Result<Schema> none =
      schema_of("[schema]\nname = \"x\"\nfield = [{source = \"id\", to = \"payment_id\"}]");
  ASSERT_FALSE(none);
  EXPECT_THAT(none.error().line(), HasSubstr("test.toml:1: no field goes to 'event_time'"));
  EXPECT_THAT(schema_of("[other]\n").error().line(),
              HasSubstr("test.toml: there is no section [schema]"));
  EXPECT_THAT(schema_of("[schema]\nname = \"x\"").error().line(),
              HasSubstr("the schema has no fields"));
  EXPECT_THAT(schema_of("[schema]\nfield = []").error().line(),
              HasSubstr("the schema needs a name"));
  EXPECT_THAT(
      schema_of(with("", "{source = \"id2\", to = \"amount\", required = false}")).error().line(),
      HasSubstr("a second field"));
}

TEST(Schema, ManyExtraFieldsUpToTheLimit) {
  std::string fields;
  size_t room = kFieldsMax - field::standard_count;
  for (size_t i = 0; i < room; ++i)
    fields += "{source = \"f" + std::to_string(i) + "\", type = \"integer\"},\n";
  Result<Schema> schema = schema_of(with("", fields));
  ASSERT_TRUE(schema) << schema.error().line();
  for (size_t i = 0; i < schema->bindings.size(); ++i)
    EXPECT_EQ(schema->names.find(schema->bindings[i].source), i);
  Result<Schema> more =
      schema_of(with("", fields + "{source = \"one_more\", type = \"integer\"},"));
  ASSERT_FALSE(more);
  EXPECT_THAT(more.error().line(), HasSubstr("more than 64 fields"));
}

TEST(Schema, AnotherSourceForTheEventTime) {
  Schema schema =
      with_event_time(*schema_of(with("drop = [\"now\"]")), "now", TimeFormat::epoch_ms);
  EXPECT_EQ(schema.names.find("t"), SourceNames::kUnknown);
  EXPECT_EQ(schema.bindings[schema.names.find("now")].field, field::event_time);
}

TEST(SourceNames, AgainstAList) {
  SourceNames names;
  EXPECT_EQ(names.find("a"), SourceNames::kUnknown);
  // Same length and same characters at the places that are hashed: all collide, and are told apart
  // still.
  for (uint16_t i = 0; i < 40; ++i)
    EXPECT_TRUE(names.add("ax" + std::to_string(10 + i) + "bxxxxxxxxc", i));
  EXPECT_FALSE(names.add("ax10bxxxxxxxxc", 7));
  EXPECT_TRUE(names.add("", 99));
  for (uint16_t i = 0; i < 40; ++i)
    EXPECT_EQ(names.find("ax" + std::to_string(10 + i) + "bxxxxxxxxc"), i);
  EXPECT_EQ(names.find("ax99bxxxxxxxxc"), SourceNames::kUnknown);
  EXPECT_EQ(names.find(""), 99);
}

}  // namespace
}  // namespace paywarden

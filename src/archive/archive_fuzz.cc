// Two seconds of damaged records, lines, plans and answers of a store: each is taken or refused, never otherwise. A failure prints the
// seed that repeats it.
#include <chrono>
#include <cstdio>

#include "archive/archive_testing.h"
#include "archive/object_encoder.h"
#include "archive/plan.h"
#include "intake/avro_lines.h"
#include "intake/payment_parser.h"
#include "objects/s3_store.h"

namespace paywarden {
namespace {

std::string damaged(std::string text, Random& random) {
  for (uint64_t n = random.below(4); n > 0 && !text.empty(); --n) {
    size_t at = random.below(text.size());
    switch (random.below(4)) {
      case 0:
        text[at] = static_cast<char>(random.next());
        break;
      case 1:
        text.erase(at, random.below(20));
        break;
      case 2:
        text.insert(at, text.substr(random.below(text.size()), random.below(60)));
        break;
      case 3:
        text.resize(at);
        break;
    }
  }
  return text;
}

struct Judged {
  FieldTable fields = test::test_fields();
  Schema schema = archived([this] {
    Schema s;
    s.name = "fuzz";
    s.fields = fields;
    return s;
  }());
  Tokeniser tokeniser = *Tokeniser::create("a key of thirty-two bytes, or so", "fuzz");
  PaymentParser parser{schema, tokeniser, {}};
  ArchiveState state{7, 1, ObjectPlan{7, 9, "topics/d/d+0+7.json.gz", {}, std::string(64, 'a')}};

  static void read_avro(std::string file) {
    AvroLines lines(std::make_unique<test::BytesInMemory>(std::move(file)), "fuzz.avro");
    char some[4096];
    for (auto count = lines.read(some, sizeof some); count && *count > 0;)
      count = lines.read(some, sizeof some);
  }

  bool one(Random& random) {
    Payment payment = test::random_payment(random, fields, "p-1"), back;
    std::string record, decision, line;
    encode_payment(payment, fields, record);
    append_json(test::random_decision(random, payment), decision);
    bool whole = random.chance(0.5);
    if (!whole) record = damaged(record, random);
    std::string json = random.chance(0.5) ? decision : damaged(decision, random);
    for (auto format : {ArchiveFormat::ndjson, ArchiveFormat::avro}) {
      auto encoder = new_encoder({format, ArchiveCompression::none}, "name");
      bool taken = encoder->add({1, json, record}).has_value();
      if (!taken && whole && json == decision) return false;
      if (taken && format == ArchiveFormat::ndjson) line = encoder->finish();
      if (taken && format == ArchiveFormat::avro) read_avro(damaged(encoder->finish(), random));
    }
    (void)parser.parse_json(damaged(line, random), EventTime(0), back);
    (void)parse_archive_state(damaged(to_json(state), random));
    (void)xml_texts(damaged("<L><Key>a&amp;b</Key><Key>c</Key></L>", random), "Key");
    return true;
  }
};

int run() {
  Judged judged;
  auto end = std::chrono::steady_clock::now() + std::chrono::seconds(2);
  uint64_t seed = 1;
  bool good = true;
  for (; good && std::chrono::steady_clock::now() < end; ++seed) {
    Random random(seed);
    good = judged.one(random);
  }
  std::printf("%llu inputs, %s\n", static_cast<unsigned long long>(seed - 1),
              good ? "all judged well" : "the last one's seed fails");
  return good ? 0 : 1;
}

}  // namespace
}  // namespace paywarden

int main() {
  return paywarden::run();
}

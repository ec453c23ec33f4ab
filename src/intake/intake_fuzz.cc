// Two seconds of hostile input: damaged JSON and CSV in random pieces. Aborts, with the seed, when
// a parser disagrees with its referee, a rejection holds a card number, or a damaged record takes a
// neighbour with it.
//
//   intake_fuzz [seed] [seconds]
#include <fmt/format.h>
#include <simdjson.h>

#include <array>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <set>
#include <string>

#include "base/random.h"
#include "intake/flat_object.h"
#include "intake/json_fault.h"
#include "intake/payment_parser.h"
#include "intake/record_reader.h"
#include "intake/split_table.h"

namespace paywarden {
namespace {

constexpr const char* kSchema = R"(
[schema]
name = "fuzz"
drop = ["street"]
field = [
  {source = "id", to = "payment_id"},
  {source = "at", to = "event_time"},
  {source = "pan", to = "card"},
  {source = "amount"},
  {source = "currency"},
  {source = "lat", to = "latitude"},
  {source = "note", type = "text"},
]
)";

uint64_t seed = 1;

void require(bool fine, const char* what, std::string_view input) {
  if (fine) return;
  std::fprintf(stderr, "seed %llu: %s\ninput: %.*s\n", static_cast<unsigned long long>(seed), what,
               static_cast<int>(input.size()), input.data());
  std::abort();
}

std::string good_json(Random& random) {
  if (random.chance(0.5))
    return fmt::format(
        R"({{"id": "p{}","at":"2020-06-21T12:14:58Z" ,"pan":"4111111111111111","amount":{}.5,"lat":-{}.25,)"
        R"("note":"café, a longer one, and more","street":null,"isn't known":{}}})",
        random.below(1'000), random.below(1'000), random.below(100),
        std::array{"true", "-1.5e+3", "\"x\""}[random.below(3)]);
  return fmt::format(
      R"({{"id":"p{}","at":"2020-06-21T12:14:58Z","pan":"4111 1111 1111 1111","amount":{}.5,)"
      R"("lat":-{}.25,"note":"x \u00e9 \"q\" 5555555555554444","other":{{"a":[1,true,null,{{"b":"c\n"}}]}}}})",
      random.below(1'000), random.below(1'000), random.below(100));
}

// Some bytes changed, left out, doubled, or exchanged with others of the text.
std::string damaged(std::string text, Random& random) {
  static const std::string_view bytes = "{}[]\",:\\ \n\r0123456789-+.eEtrufalsn\xff\xc3\x00'u";
  for (uint64_t n = random.below(4); n > 0 && !text.empty(); --n) {
    size_t at = random.below(text.size());
    switch (random.below(5)) {
      case 0:
        text[at] = bytes[random.below(bytes.size())];
        break;
      case 1:
        text.erase(at, 1 + random.below(5));
        break;
      case 2:
        text.insert(at, text.substr(random.below(text.size()), random.below(30)));
        break;
      case 3:
        text.insert(at, 1, bytes[random.below(bytes.size())]);
        break;
      case 4:
        text.resize(at);
        break;
    }
  }
  return text;
}

void check_rejection(const std::optional<Rejection>& no, std::string_view input) {
  if (!no) return;
  require(find_pans(no->line()).empty() && find_pans(no->raw).empty(),
          "a rejection holds a card number", input);
  require(no->value.size() <= kRejectedValueBytes && !no->rule.empty(),
          "a rejection without its rule", input);
  require(no->raw.size() <= 2 * kRejectedRawBytes, "a rejection too long to keep", input);
}

class Fuzz {
 public:
  Fuzz() : schema_(*read_schema(toml::parse(kSchema), "fuzz")) {}

  void json(Random& random) {
    std::string input = damaged(good_json(random), random);
    auto no = parser_.parse_json(input, EventTime(0), payment_);
    check_rejection(no, input);
    simdjson::padded_string padded(input);
    simdjson::dom::element element;
    simdjson::error_code error = dom_.parse(padded).get(element);
    bool json = error == simdjson::SUCCESS;
    bool huge = error == simdjson::NUMBER_ERROR ||
                error == simdjson::NUMBER_OUT_OF_RANGE;  // JSON to us, not to the DOM
    bool unparsable = no && status_of(no->reason) == 400;
    require(huge || json == !unparsable || (no && no->reason == RejectReason::not_object),
            json ? "valid JSON was called unparsable" : "invalid JSON was taken", input);
    fault(input, error);
    if (!no)
      require(mask_pans(payment_.text(payment_fields().size() - 1u)) ==
                  payment_.text(payment_fields().size() - 1u),
              "a card number in free text", input);
    ways(input, no);
  }

  // Up to the fault the input is the beginning of some JSON, with the fault's byte of none.
  void fault(std::string_view input, simdjson::error_code error) {
    std::optional<size_t> at = json_fault(input);
    bool grammar = error != simdjson::SUCCESS && error != simdjson::NUMBER_ERROR &&
                   error != simdjson::NUMBER_OUT_OF_RANGE && error != simdjson::UTF8_ERROR &&
                   error != simdjson::STRING_ERROR;  // a half of a surrogate pair is JSON's grammar
    require(!at || error != simdjson::SUCCESS, "a fault in what is JSON", input);
    require(at || !grammar, "no fault in what is not JSON", input);
    if (!at) return;
    std::optional<size_t> before = json_fault(input.substr(0, *at));
    require(!before || *before == *at, "a fault before the fault", input);
    require(json_fault(input.substr(0, *at + 1)) == at, "a fault that is none", input);
  }

  // A flat object and the same with one more member, which is not flat and of no interest: read in two ways, they mean the same.
  void ways(const std::string& input, const std::optional<Rejection>& no) {
    std::string padded = input + std::string(FlatObject::kPadding, '"');
    if (!flat_.read({padded.data(), input.size()}) || flat_.members().empty()) return;
    std::string other = input;
    other.insert(other.rfind('}'), ",\"nobody's\":[{}]");
    Payment read;
    auto also_no = parser_.parse_json(other, EventTime(0), read);
    require(no.has_value() == also_no.has_value() && (!no || no->line() == also_no->line()),
            "two readers of JSON differ in what they refuse", input);
    require(no || body_digest(read, payment_fields()) == body_digest(payment_, payment_fields()),
            "two readers of JSON differ in what they read", input);
    ++flat_objects_;
  }

  // Lines, of which some are damaged without touching a line end: all the others must come out, in
  // order.
  void csv(Random& random) {
    std::string text;
    std::set<uint64_t> good;
    uint64_t lines = 1 + random.below(40);
    for (uint64_t i = 1; i <= lines; ++i) {
      std::string row = fmt::format("{},\"a, {}\",x", i, i);
      bool spoil = random.chance(0.2);
      if (spoil)
        row = random.chance(0.5) ? fmt::format("{},\"open,x", i) : fmt::format("{},\"a\"b,x", i);
      if (!spoil) good.insert(i);
      text += row + "\n";
    }
    RecordReader reader(std::make_unique<Pieces>(text, random), {});
    reader.expect_columns(3);
    SourceRecord record;
    std::set<uint64_t> seen;
    while (*reader.next(record) != RecordStatus::end)
      if (record.reason == RejectReason::none) seen.insert(record.line);
    require(seen == good, "a damaged record took a neighbour with it", text);
  }

  void csv_rows(Random& random) {
    std::string row = damaged(
        "p1,2020-06-21 12:14:58,4111-1111-1111-1111,12.50,EUR,40.5,\"a, \"\"b\"\" "
        "5555555555554444\"\n",
        random);
    std::vector<RawValue> values;
    std::string padded = row + std::string(kCsvPadding, '"'), unquoted;
    unquoted.reserve(padded.size());
    CsvScan scan = scan_csv({padded.data(), row.size()}, true, values, unquoted);
    require(scan.status != CsvStatus::record || scan.length <= row.size(),
            "a record beyond its text", row);
    static const std::vector<std::string_view> names = {"id",       "at",  "pan", "amount",
                                                        "currency", "lat", "note"};
    check_rejection(parser_.parse_row(*parser_.columns(names), values, EventTime(0), payment_),
                    row);
  }

  void table(Random& random) {
    std::string body = damaged(
        R"({"columns":["id","at","pan","amount"],"index":[0],"data":[["a\"",1.5,4111111111111111,null]]})",
        random);
    if (Status read = table_.read(body); !read) return;
    for (size_t i = 0; i < table_.row_count(); ++i)
      for (RawValue value : table_.row(i))
        require(value.text().size() <= body.size(), "a value longer than its body", body);
  }

  uint64_t flat_objects() const { return flat_objects_; }

 private:
  class Pieces : public ByteStream {
   public:
    Pieces(std::string_view bytes, Random& random) : bytes_(bytes), random_(random) {}
    Result<size_t> read(char* out, size_t most) override {
      size_t n = std::min({most, bytes_.size() - at_, size_t{1} + random_.below(200)});
      bytes_.copy(out, n, at_);
      at_ += n;
      return n;
    }
    uint64_t consumed() const override { return at_; }

   private:
    std::string_view bytes_;
    size_t at_ = 0;
    Random& random_;
  };

  const FieldTable& payment_fields() const { return schema_.fields; }

  Schema schema_;
  Tokeniser tokeniser_ = *Tokeniser::create("a key of thirty-two bytes, or so", "fuzz");
  PaymentParser parser_{schema_, tokeniser_, {}};
  SplitTable table_{1 << 20};
  simdjson::dom::parser dom_;
  FlatObject flat_{schema_.names, 256};
  uint64_t flat_objects_ = 0;
  Payment payment_;
};

}  // namespace
}  // namespace paywarden

int main(int argc, char** argv) {
  using namespace paywarden;
  using Clock = std::chrono::steady_clock;
  if (argc > 1) seed = std::strtoull(argv[1], nullptr, 10);
  double seconds = argc > 2 ? std::strtod(argv[2], nullptr) : 2;
  Clock::time_point end =
      Clock::now() + std::chrono::milliseconds(static_cast<int64_t>(seconds * 1000));
  Fuzz fuzz;
  uint64_t rounds = 0;
  for (; Clock::now() < end; ++seed, ++rounds) {
    Random random(seed);
    for (int i = 0; i < 50; ++i) {
      fuzz.json(random);
      fuzz.csv_rows(random);
      fuzz.table(random);
    }
    fuzz.csv(random);
  }
  require(rounds == 0 || fuzz.flat_objects() > 0, "no flat object came out of the damage", {});
  std::printf("%llu rounds, fine; read in two ways: %llu objects\n",
              static_cast<unsigned long long>(rounds),
              static_cast<unsigned long long>(fuzz.flat_objects()));
}

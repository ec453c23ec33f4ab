// What a payment costs on its way in: ns for JSON (500 bytes, 20 fields), a CSV row, a card token.
#include <benchmark/benchmark.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "base/check.h"
#include "intake/file_source.h"

namespace paywarden {
namespace {

constexpr size_t kInputs = 1'024;  // more than the branch predictor learns by heart

Schema bench_schema() {
  std::string text = "[schema]\nname = \"bench\"\n";
  auto add = [&text](const char* source, const char* to, const char* more) {
    text += fmt::format("[[schema.field]]\nsource = \"{}\"\nto = \"{}\"\n{}\n", source, to, more);
  };
  add("payment_id", "payment_id", "");
  add("event_time", "event_time", "");
  add("card", "card", "");
  for (const char* name : {"merchant", "amount", "currency", "category", "latitude", "longitude",
                           "merchant_latitude", "merchant_longitude"})
    add(name, name, "");
  for (const char* name :
       {"device", "channel", "country", "entry_mode", "terminal", "ip", "zip", "auth_3ds"})
    add(name, name, "type = \"text\"");
  add("card_present", "card_present", "type = \"boolean\"");
  toml::table config = toml::parse(text);
  Result<Schema> schema = read_schema(config, "bench");
  CHECK(schema.has_value(), "the benchmark's schema");
  return std::move(*schema);
}

std::string card_number(size_t i) {
  std::string digits = fmt::format("411111{:09}", i * 7'919);
  for (char last = '0';; ++last)
    if (passes_luhn(digits + last)) return digits + last;
}

std::string json_payment(size_t i) {
  return fmt::format(
      R"({{"payment_id":"pay_{:08x}-77aa-4e10-9c{:02x}-{:012x}","event_time":"2020-06-21T12:{:02}:58.{:03}Z",)"
      R"("card":"{}","merchant":"mrc_{:012x}","amount":"{}.{:02}","currency":"EUR","category":"grocery",)"
      R"("latitude":{}.{:06},"longitude":-{}.{:06},"merchant_latitude":38.7{:04},"merchant_longitude":-9.1{:04},)"
      R"("device":"dev_{:016x}","channel":"online","country":"PT","entry_mode":"ecom","terminal":"trm_{:08x}",)"
      R"("ip":"81.{}.{}.{}","zip":"1000-{:03}","auth_3ds":"frictionless","card_present":false}})",
      i * 2'654'435'761 & 0xffffffff, i & 255, i * 0x9E3779B97F4A7C15ull >> 16, i % 60, i % 1000,
      card_number(i), i * 0xA24BAED4963EE407ull >> 16, i * 7 % 500, i % 100, 38,
      i * 9'973 % 1'000'000, 9, i * 7'717 % 1'000'000, i % 10'000, i * 3 % 10'000,
      i * 0xC2B2AE3D27D4EB4Full, i * 3, i & 255, i * 7 & 255, i * 13 & 255, i % 1000);
}

struct Inputs {
  Schema schema = bench_schema();
  Tokeniser tokeniser = *Tokeniser::create("a key of thirty-two bytes, or so", "bench");
  ParserOptions options;
};

void parse_json(benchmark::State& state) {
  Inputs in;
  PaymentParser parser(in.schema, in.tokeniser, in.options);
  std::vector<std::string> inputs;
  size_t bytes = 0;
  for (size_t i = 0; i < kInputs; ++i) {
    inputs.push_back(json_payment(i));
    bytes += inputs.back().size();
    inputs.back().append(PaymentParser::kPadding, ' ');
  }
  Payment payment;
  size_t i = 0;
  for (auto _ : state) {
    const std::string& input = inputs[i++ % kInputs];
    std::string_view json(input.data(), input.size() - PaymentParser::kPadding);
    auto no = parser.parse_json(json, EventTime(0), payment, nullptr, input.size());
    CHECK(!no, "the benchmark's payments are fine");
  }
  state.counters["bytes"] = static_cast<double>(bytes) / kInputs;
}
BENCHMARK(parse_json);

void parse_row(benchmark::State& state) {
  Inputs in;
  PaymentParser parser(in.schema, in.tokeniser, in.options);
  std::vector<std::string_view> names = {"payment_id", "event_time", "card",      "merchant",
                                         "amount",     "latitude",   "longitude", "device",
                                         "channel",    "country"};
  ColumnMap columns = *parser.columns(names);
  std::string card = card_number(5);
  std::vector<RawValue> row;
  for (std::string_view text :
       {std::string_view("07d3d6c4df95d8500c607f855240c3d0"),
        std::string_view("2020-06-21T12:14:58Z"), std::string_view(card),
        std::string_view("fraud_Upton PLC"), std::string_view("105.67"),
        std::string_view("33.6021"), std::string_view("-112.3736"), std::string_view("dev_17a3"),
        std::string_view("pos"), std::string_view("US")})
    row.push_back({RawValue::Kind::untyped, text});
  Payment payment;
  for (auto _ : state) {
    auto no = parser.parse_row(columns, row, EventTime(0), payment);
    CHECK(!no, "the benchmark's row is fine");
  }
}
BENCHMARK(parse_row);

class NoRejects : public RejectSink {
 public:
  void add(const RejectedInput& input) override {
    std::fprintf(stderr, "%s\n", input.rejection.line().c_str());
    CHECK(false, "the benchmark's rows are fine");
  }
};

// A row as JSON without its quotes and names: the benchmark's payments hold no commas.
std::string csv_of(const std::string& json, bool names) {
  std::string out;
  bool name = true, quoted = false;
  for (char c : json) {
    if (c == '"') quoted = !quoted;
    if (c == ':' && !quoted) name = false;
    bool separator = !quoted && (c == ':' || c == ',' || c == '{' || c == '}' || c == '"');
    if (c == ',' && !quoted) {
      out += ',';
      name = true;
    }
    if (!separator && c != '"' && name == names) out += c;
  }
  return out + "\n";
}

// A plain file of 200,000 payments on one core: reading, parsing, tokens; the rate is in rows.
void read_file(benchmark::State& state, bool csv) {
  Inputs in;
  size_t rows = std::getenv("PAYWARDEN_BENCH_TINY") ? 1'000 : 200'000;
  std::string path =
      (std::filesystem::temp_directory_path() / fmt::format("intake_bench_{}", ::getpid()))
          .string();
  {
    std::ofstream file(path, std::ios::binary);
    if (csv) file << csv_of(json_payment(0), true);
    for (size_t i = 0; i < rows; ++i)
      file << (csv ? csv_of(json_payment(i), false) : json_payment(i) + "\n");
  }
  NoRejects rejects;
  FileSourceOptions options;
  options.parse_ahead = false;
  size_t read = 0;
  for (auto _ : state) {
    auto source = FileSource::open({path}, in.schema, in.tokeniser, in.options, options, rejects);
    CHECK(source.has_value(), "the benchmark's file can be read");
    FileBatch batch;
    while (*(*source)->next(batch)) read += batch.count;
  }
  CHECK(read == rows * state.iterations(), "every row is a payment");
  state.SetItemsProcessed(static_cast<int64_t>(read));
  std::filesystem::remove(path);
}
BENCHMARK_CAPTURE(read_file, csv, true)->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(read_file, ndjson, false)->Unit(benchmark::kMillisecond);

void token(benchmark::State& state) {
  Inputs in;
  std::string card = card_number(9);
  for (auto _ : state) benchmark::DoNotOptimize(in.tokeniser.token(card));
}
BENCHMARK(token);

void mask_free_text(benchmark::State& state) {
  std::string text = "paid 12.50 at terminal 77 on 2020-06-21, card 4111 1111 1111 1111, thanks";
  for (auto _ : state) benchmark::DoNotOptimize(mask_pans(text));
}
BENCHMARK(mask_free_text);

}  // namespace
}  // namespace paywarden

BENCHMARK_MAIN();

// What it costs to know who asks, for each request: `time` is ns a call.
#include <benchmark/benchmark.h>

#include <cstdlib>
#include <future>

#include "center/center_test_kit.h"

namespace paywarden {
namespace {

struct Known : CenterFixture {
  Known() {
    for (int i = 0; i < 50; ++i)
      key = accounts->create_key("key" + std::to_string(i), Role::intake)->text;
    if (!accounts->create_user("maria", Role::analyst, "correct horse battery")) std::abort();
    std::promise<SignIn> result;
    accounts->sign_in("maria", "correct horse battery",
                      [&](const SignIn& it) { result.set_value(it); });
    token = result.get_future().get().token;
  }
  std::string key, token;
};

void by_key(benchmark::State& state) {
  Known f;
  for (auto _ : state)
    if (!f.accounts->by_key(f.key)) std::abort();
}
BENCHMARK(by_key);

void by_session(benchmark::State& state) {
  Known f;
  for (auto _ : state)
    if (!f.accounts->by_session(f.token)) std::abort();
}
BENCHMARK(by_session);

void authorise(benchmark::State& state) {
  Known f;
  OwnedRequest made = f.request(http::Method::post);
  made.request.fields = {{"Host", "bank"}, {"Authorization", made.keep("Bearer " + f.key)}};
  for (auto _ : state)
    if (!f.api.authorise(made.request, "intake")) std::abort();
}
BENCHMARK(authorise);

void password(benchmark::State& state) {
  std::string stored = hash_password("correct horse battery", {});
  for (auto _ : state)
    if (!verify_password(stored, "correct horse battery")) std::abort();
}
BENCHMARK(password)->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace paywarden

BENCHMARK_MAIN();

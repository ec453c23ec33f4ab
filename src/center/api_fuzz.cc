// Random and mangled requests against the API: each gets an answer, none a crash; what is refused
// changes nothing. A failure prints the seed; `api_fuzz SEED` repeats it.
#include <cstdio>
#include <cstdlib>
#include <future>

#include "base/random.h"
#include "center/center_test_kit.h"

namespace paywarden {
namespace {

std::string random_text(Random& random, size_t most) {
  std::string text;
  for (size_t n = random.below(most + 1); n > 0; --n) text += static_cast<char>(random.below(256));
  return text;
}

std::string mangled(Random& random, std::string text) {
  for (uint64_t n = random.below(4); n > 0 && !text.empty(); --n) {
    size_t at = random.below(text.size());
    switch (random.below(4)) {
      case 0:
        text[at] = static_cast<char>(random.below(256));
        break;
      case 1:
        text.erase(at, 1 + random.below(5));
        break;
      case 2:
        text.insert(at, random_text(random, 8));
        break;
      case 3:
        text.insert(at, text.substr(0, random.below(20)));
        break;
    }
  }
  return text;
}

std::string body(Random& random) {
  constexpr const char* kSeeds[] = {
      R"({"verdict":"confirmed","note":"it is \u00e9"})", R"({"verdict":"dismissed"})",
      R"({"user":"maria","password":"correct horse battery"})",
      R"({"verdict":{"a":[1,2,{}]},"note":null})", "[[[[[[[[[[[[[[[[[[[["};
  return random.chance(0.1) ? random_text(random, 300)
                            : mangled(random, kSeeds[random.below(std::size(kSeeds))]);
}

std::string query(Random& random) {
  constexpr const char* kSeeds[] = {"state=open&limit=50&before=7", "state=dead", "limit=%31%30",
                                    "before=9223372036854775807"};
  return mangled(random, kSeeds[random.below(std::size(kSeeds))]);
}

void require(bool fine, const char* what) {
  if (fine) return;
  std::fprintf(stderr, "api_fuzz: %s\n", what);
  std::abort();
}

void check(const http::Response& response) {
  require(response.status >= 200 && response.status < 500, "an answer outside 200..499");
}

void one_round(CenterFixture& f, Random& random) {
  OwnedRequest made = f.request(http::Method::get, body(random), query(random));
  made.request.params = {{"id", made.keep(random.chance(0.5) ? std::to_string(random.below(5))
                                                             : random_text(random, 25))}};
  f.sign(made, Role::analyst);
  check(f.api.alerts(made.request));
  check(f.api.alert(made.request));
  check(f.api.deliveries(made.request));
  check(f.api.retry(made.request));
  std::promise<http::Response> answer;
  f.api.give_verdict(made.request,
                     [&](http::Response response) { answer.set_value(std::move(response)); });
  check(answer.get_future().get());
  made.request.fields = {
      {"Authorization",
       made.keep("Bearer " + mangled(random, "pw_0123456789ab_" + std::string(64, 'a')))},
      {"Cookie", made.keep("paywarden_session=" + random_text(random, 70))}};
  require(!f.api.authorise(made.request, "analyst"), "a made-up key or cookie was let in");
}

}  // namespace
}  // namespace paywarden

int main(int argc, char** argv) {
  using namespace paywarden;
  uint64_t seed = argc > 1 ? std::strtoull(argv[1], nullptr, 10) : 20261122;
  std::printf("api_fuzz: seed %llu\n", static_cast<unsigned long long>(seed));
  Random random(seed);
  CenterFixture f;
  for (int i = 0; i < 4; ++i)
    f.suspicious("p" + std::to_string(i + 1), "card " + std::to_string(i));
  auto end = std::chrono::steady_clock::now() + std::chrono::seconds(2);
  int rounds = 0;
  for (; std::chrono::steady_clock::now() < end; ++rounds) one_round(f, random);
  AlertCounts counts = *f.store->counts();
  require(counts.open + counts.confirmed + counts.dismissed == 4, "the counts of alerts are wrong");
  std::printf("api_fuzz: %d rounds\n", rounds);
}

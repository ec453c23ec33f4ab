// S3Store against an S3 server that checks signatures and permissions (s3_server.py: moto). Needs a Python environment with it, named by
// PAYWARDEN_TEST_VENV; runs in the project's folder.
#include <gmock/gmock.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>

#include "archive/archive_testing.h"
#include "archive/archiver.h"
#include "base/simulated_files.h"
#include "objects/s3_store.h"

namespace paywarden {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

class S3StoreCenter : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    if (const char* venv = std::getenv("PAYWARDEN_TEST_VENV"))
      start(std::string(venv) + "/bin/python");
  }
  static void TearDownTestSuite() {
    if (child_ <= 0) return;
    ::close(input_);
    int status = 0;
    ::waitpid(child_, &status, 0);
    child_ = 0;
  }
  void SetUp() override {
    if (child_ <= 0)
      GTEST_SKIP()
          << "PAYWARDEN_TEST_VENV names no Python environment with moto; ./test center makes one";
    use(writer_id_, writer_secret_);
  }
  static void start(const std::string& python) {
    int in[2], out[2];
    ASSERT_EQ(::pipe(in), 0);
    ASSERT_EQ(::pipe(out), 0);
    child_ = ::fork();
    if (child_ == 0) {
      ::dup2(in[0], 0);
      ::dup2(out[1], 1);
      ::close(in[1]);
      ::execl(python.c_str(), python.c_str(), "src/archive/s3_server.py", "bank-archive", nullptr);
      std::_Exit(127);
    }
    ::close(in[0]);
    ::close(out[1]);
    input_ = in[1];
    FILE* answer = ::fdopen(out[0], "r");
    char words[4][128];
    ASSERT_EQ(std::fscanf(answer, "%hu %127s %127s %127s %127s", &port_, words[0], words[1],
                          words[2], words[3]),
              5)
        << "the S3 server does not start";
    std::fclose(answer);
    writer_id_ = words[0];
    writer_secret_ = words[1];
    reader_id_ = words[2];
    reader_secret_ = words[3];
  }
  void use(const std::string& id, const std::string& secret) {
    variables_ = {{"AWS_ACCESS_KEY_ID", id}, {"AWS_SECRET_ACCESS_KEY", secret}};
  }
  std::unique_ptr<S3Store> store(S3Options options = {}) {
    if (options.bucket.empty()) options.bucket = "bank-archive";
    if (options.endpoint.empty()) options.endpoint = "http://127.0.0.1:" + std::to_string(port_);
    options.path_style = !bucket_in_host_;
    auto http = std::make_shared<CurlCaller>(CurlCallerOptions{.proxy_of_environment = false});
    auto environment = [this](const char* name) { return variables_[name]; };
    auto keys = std::make_shared<AwsCredentialChain>(
        AwsCredentialPorts{environment, files_, *http, clock_}, AwsCredentialOptions{});
    return *S3Store::create(std::move(options), {http, keys, clock_});
  }

  static pid_t child_;
  static int input_;
  static uint16_t port_;
  static std::string writer_id_, writer_secret_, reader_id_, reader_secret_;
  std::map<std::string, std::string> variables_;
  bool bucket_in_host_ = false;
  SimulatedFiles files_{1};
  SystemClock clock_;
};

pid_t S3StoreCenter::child_ = 0;
int S3StoreCenter::input_ = -1;
uint16_t S3StoreCenter::port_ = 0;
std::string S3StoreCenter::writer_id_, S3StoreCenter::writer_secret_, S3StoreCenter::reader_id_,
    S3StoreCenter::reader_secret_;

TEST_F(S3StoreCenter, PutGetListRemove) {
  auto s = store({.prefix = "some/"});
  const std::string kName = "topics/d/year=2026/month=11/d+0+0000000001.json.gz",
                    kBytes("a\0b\xff", 4);
  auto put = s->put(kName, kBytes);
  ASSERT_TRUE(put) << put.error().line();
  ASSERT_TRUE(s->put("topics/d/with blank & <signs>~\xc3\xa9", ""));
  EXPECT_EQ(*s->get(kName), kBytes);
  EXPECT_EQ(*s->get("topics/d/with blank & <signs>~\xc3\xa9"), "");
  EXPECT_THAT(*s->list("topics/"), ElementsAre("topics/d/with blank & <signs>~\xc3\xa9", kName));
  EXPECT_THAT(*store()->list("some/topics/d/y"), ElementsAre("some/" + kName));
  ASSERT_TRUE(s->remove(kName));
  ASSERT_TRUE(s->remove(kName));
  auto gone = s->get(kName);
  ASSERT_FALSE(gone);
  EXPECT_THAT(gone.error().line(), HasSubstr("404 NoSuchKey"));
}

// bank-archive.localhost: libcurl knows that it is this machine.
TEST_F(S3StoreCenter, TheBucketInTheHostName) {
  bucket_in_host_ = true;
  auto s = store({.endpoint = "http://localhost:" + std::to_string(port_)});
  auto put = s->put("host/year=2026", "x");
  ASSERT_TRUE(put) << put.error().line();
  EXPECT_EQ(*s->get("host/year=2026"), "x");
  EXPECT_THAT(*s->list("host/"), ElementsAre("host/year=2026"));
  bucket_in_host_ = false;
  EXPECT_EQ(*store()->get("host/year=2026"), "x") << "it is the same bucket";
}

TEST_F(S3StoreCenter, ListsThousands) {
  auto s = store({.prefix = "many/"});
  for (int i = 0; i < 1'100; ++i) ASSERT_TRUE(s->put("a" + std::to_string(i), "x"));
  EXPECT_EQ(s->list("a")->size(), 1'100u) << "1,000 to a page";
}

TEST_F(S3StoreCenter, LargeObjectsInParts) {
  Random random(1);
  std::string bytes(13u << 20, '\0');
  for (char& c : bytes) c = static_cast<char>(random.next());
  auto s = store({.encryption = S3Encryption::aes256, .part_bytes = size_t{5} << 20});
  auto put = s->put("large", bytes);
  ASSERT_TRUE(put) << put.error().line();
  EXPECT_EQ(*s->get("large"), bytes);
}

TEST_F(S3StoreCenter, WrongCredentialsAndNoBucket) {
  use(writer_id_, "wrong");
  auto put = store()->put("a", "x");
  ASSERT_FALSE(put);
  EXPECT_THAT(put.error().line(),
              HasSubstr("403 SignatureDoesNotMatch; the credentials are wrong"));
  use("AKIAnobody", "wrong");
  put = store()->put("a", "x");
  ASSERT_FALSE(put);
  EXPECT_THAT(put.error().line(), HasSubstr("403 InvalidAccessKeyId; the credentials are wrong"));
  use(reader_id_, reader_secret_);
  put = store()->put("a", "x");
  ASSERT_FALSE(put);
  EXPECT_THAT(put.error().line(), HasSubstr("403 AccessDenied; credentials or bucket policy"));
  use(writer_id_, writer_secret_);
  put = store({.bucket = "no-such-bucket"})->put("a", "x");
  ASSERT_FALSE(put);
  EXPECT_THAT(put.error().line(), HasSubstr("404 NoSuchBucket; make the bucket"));
}

TEST_F(S3StoreCenter, AStoreThatIsNotThere) {
  S3Options options{.endpoint = "http://127.0.0.1:1"};
  options.retry_max = milliseconds(1);
  auto put = store(options)->put("a", "x");
  ASSERT_FALSE(put);
  EXPECT_THAT(put.error().line(), HasSubstr("is the store there"));
}

}  // namespace
}  // namespace paywarden

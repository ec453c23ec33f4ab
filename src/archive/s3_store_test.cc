#include "objects/s3_store.h"

#include <gmock/gmock.h>

#include <deque>

#include "archive/archive_testing.h"
#include "base/loopback_server.h"
#include "base/simulated_files.h"

namespace paywarden {
namespace {

using testing::AllOf;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

constexpr const char* kSecret = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY";

HttpAnswer answered(long status, const std::string& body = "",
                    std::map<std::string, std::string> headers = {}) {
  return {status, std::move(headers), body};
}

HttpAnswer refusal(long status, const std::string& code) {
  return answered(status, "<?xml version=\"1.0\"?><Error><Code>" + code +
                              "</Code><Message>secret words</Message></Error>");
}

// Answers from a list, and keeps what it was asked.
class FakeCaller : public HttpCaller {
 public:
  std::deque<Result<HttpAnswer>> answers;
  std::vector<HttpCall> calls;
  std::vector<std::string> bodies;
  Result<HttpAnswer> call(const HttpCall& call) override {
    calls.push_back(call);
    bodies.emplace_back(call.body);
    if (answers.empty()) return fail("nobody answers", "fake");
    auto answer = answers.front();
    answers.pop_front();
    return answer;
  }
  void cancel() override {}
};

struct Bench {
  explicit Bench(S3Options options = {}) {
    if (options.bucket.empty()) options.bucket = "bank-archive";
    options.retry_min = options.retry_max = milliseconds(0);
    auto environment = [this](const char* name) { return variables[name]; };
    keys = std::make_shared<AwsCredentialChain>(
        AwsCredentialPorts{environment, files, *metadata, clock}, AwsCredentialOptions{});
    store = *S3Store::create(options, {http, keys, clock});
  }
  std::map<std::string, std::string> variables = {{"AWS_ACCESS_KEY_ID", "AKIAIOSFODNN7EXAMPLE"},
                                                  {"AWS_SECRET_ACCESS_KEY", kSecret}};
  SimulatedFiles files{1};
  ManualClock clock{*parse_rfc3339("2026-11-01T10:00:00Z")};
  std::shared_ptr<FakeCaller> http = std::make_shared<FakeCaller>(),
                              metadata = std::make_shared<FakeCaller>();
  std::shared_ptr<AwsCredentialChain> keys;
  std::unique_ptr<S3Store> store;
};

TEST(S3Store, WhereRequestsGo) {
  struct Row {
    S3Options options;
    const char* url;
  };
  for (const Row& row :
       {Row{{.region = "eu-central-1"},
            "https://bank-archive.s3.eu-central-1.amazonaws.com/a/year%3D2026/d%2B0"},
        Row{{.path_style = true},
            "https://s3.us-east-1.amazonaws.com/bank-archive/a/year%3D2026/d%2B0"},
        Row{{.region = "cn-north-1"},
            "https://bank-archive.s3.cn-north-1.amazonaws.com.cn/a/year%3D2026/d%2B0"},
        Row{{.prefix = "pay/", .endpoint = "http://127.0.0.1:9000/", .path_style = true},
            "http://127.0.0.1:9000/bank-archive/pay/a/year%3D2026/d%2B0"},
        Row{{.endpoint = "https://minio.example:443"},
            "https://bank-archive.minio.example/a/year%3D2026/d%2B0"}}) {
    Bench b(row.options);
    b.http->answers = {answered(200)};
    ASSERT_TRUE(b.store->put("a/year=2026/d+0", "x"));
    EXPECT_EQ(b.http->calls[0].url, row.url);
    EXPECT_THAT(b.http->calls[0].headers,
                Contains(StartsWith("Authorization: AWS4-HMAC-SHA256 Credential=AKIA")));
  }
  Bench b;
  for (const char* endpoint : {"minio", "ftp://x", "https://", "https://x/path", "https://u:p@x"})
    EXPECT_FALSE(
        S3Store::create({.bucket = "abc", .endpoint = endpoint}, {b.http, b.keys, b.clock}))
        << endpoint;
  EXPECT_EQ(check_options({.bucket = "a"}).error().where, "bucket");
  EXPECT_EQ(check_options({.bucket = "abc", .region = "eu.x"}).error().where, "region");
  EXPECT_EQ(check_options({.bucket = "abc", .prefix = "/x"}).error().where, "prefix");
  EXPECT_EQ(check_options({.bucket = "abc", .kms_key = "k"}).error().where, "kms_key");
}

TEST(S3Store, WhatIsAskedForWithAnObject) {
  Bench b({.encryption = S3Encryption::kms, .kms_key = "arn:aws:kms:x:1:key/7"});
  b.variables["AWS_SESSION_TOKEN"] = "temporary";
  b.http->answers = {answered(200)};
  ASSERT_TRUE(b.store->put("a", "bytes"));
  EXPECT_THAT(
      b.http->calls[0].headers,
      AllOf(Contains("x-amz-server-side-encryption: aws:kms"),
            Contains("x-amz-server-side-encryption-aws-kms-key-id: arn:aws:kms:x:1:key/7"),
            Contains("x-amz-security-token: temporary"), Contains("x-amz-date: 20261101T100000Z"),
            Contains(HasSubstr(
                "SignedHeaders=host;x-amz-content-sha256;x-amz-date;x-amz-security-token;"
                "x-amz-server-side-encryption;x-amz-server-side-encryption-aws-kms-key-id"))));
}

// What passes by itself is tried again, so often and no more; what does not is told at once.
TEST(S3Store, WhatIsTriedAgain) {
  struct Row {
    Result<HttpAnswer> answer;
    bool again;
  };
  for (const Row& row :
       {Row{fail("timed out"), true}, Row{refusal(500, "InternalError"), true},
        Row{refusal(503, "SlowDown"), true}, Row{answered(429), true}, Row{answered(408), true},
        Row{refusal(400, "RequestTimeout"), true}, Row{refusal(403, "ExpiredToken"), true},
        Row{refusal(403, "AccessDenied"), false}, Row{refusal(404, "NoSuchBucket"), false},
        Row{refusal(400, "InvalidRequest"), false}, Row{answered(301), false}}) {
    Bench b;
    b.http->answers = {row.answer, row.answer, answered(200)};
    EXPECT_EQ(b.store->put("a", "x").has_value(), row.again);
    EXPECT_EQ(b.http->calls.size(), row.again ? 3u : 1u);
    Bench forever;
    for (int i = 0; i < 10; ++i) forever.http->answers.push_back(row.answer);
    EXPECT_FALSE(forever.store->put("a", "x"));
    EXPECT_EQ(forever.http->calls.size(), row.again ? 5u : 1u);
  }
}

TEST(S3Store, ErrorsSayWhatToDo) {
  struct Row {
    HttpAnswer answer;
    const char* line;
  };
  HttpAnswer moved = answered(301, "", {{"x-amz-bucket-region", "eu-west-1"}});
  for (const Row& row :
       {Row{refusal(403, "AccessDenied"),
            "the store answered 403 AccessDenied; credentials or bucket policy: they must allow "
            "s3:PutObject"},
        Row{refusal(403, "SignatureDoesNotMatch"),
            "look at AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or at the profile"},
        Row{refusal(403, "InvalidAccessKeyId"), "the credentials are wrong or have ended"},
        Row{refusal(403, "RequestTimeTooSkewed"), "this machine's clock is wrong"},
        Row{refusal(404, "NoSuchBucket"), "make the bucket, or correct archive.bucket"},
        Row{moved, "set archive.region = \"eu-west-1\""},
        Row{refusal(503, "SlowDown"), "it is tried again"},
        Row{refusal(418, "<b>secret</b>"), "the store answered 418; see"}}) {
    Bench b;
    for (int i = 0; i < 5; ++i) b.http->answers.push_back(row.answer);
    auto put = b.store->put("a/b", "x");
    ASSERT_FALSE(put);
    EXPECT_THAT(put.error().line(),
                AllOf(HasSubstr(row.line), Not(HasSubstr("secret")), Not(HasSubstr(kSecret)),
                      StartsWith("s3://bank-archive/a/b at https://bank-archive.s3.")));
  }
}

TEST(S3Store, LargeObjectsGoInParts) {
  Bench b({.part_bytes = size_t{5} << 20});
  std::string bytes(12u << 20, 'x');
  auto tagged = [](const char* tag) { return answered(200, "", {{"etag", tag}}); };
  b.http->answers = {answered(200, "<R><UploadId>u/1</UploadId></R>"),
                     tagged("\"a\""),
                     refusal(503, "SlowDown"),
                     tagged("\"b\""),
                     tagged("\"c\""),
                     answered(200, "<Error><Code>InternalError</Code></Error>"),
                     answered(200, "<R><ETag>x</ETag></R>")};
  auto put = b.store->put("a", bytes);
  ASSERT_TRUE(put) << put.error().line();
  std::vector<std::string> made;
  for (const HttpCall& call : b.http->calls)
    made.push_back(call.method + call.url.substr(call.url.find('?')));
  EXPECT_THAT(
      made,
      ElementsAre("POST?uploads=", "PUT?partNumber=1&uploadId=u%2F1",
                  "PUT?partNumber=2&uploadId=u%2F1", "PUT?partNumber=2&uploadId=u%2F1",
                  "PUT?partNumber=3&uploadId=u%2F1", "POST?uploadId=u%2F1", "POST?uploadId=u%2F1"));
  EXPECT_EQ(b.http->bodies[4].size(), 2u << 20);
  EXPECT_EQ(b.http->bodies[6],
            "<CompleteMultipartUpload><Part><PartNumber>1</PartNumber><ETag>\"a\"</ETag></"
            "Part><Part><PartNumber>2"
            "</PartNumber><ETag>\"b\"</ETag></Part><Part><PartNumber>3</PartNumber><ETag>\"c\"</"
            "ETag></Part>"
            "</CompleteMultipartUpload>");

  Bench broken({.part_bytes = size_t{5} << 20});
  broken.http->answers = {answered(200, "<UploadId>u1</UploadId>"), refusal(403, "AccessDenied"),
                          answered(204)};
  EXPECT_FALSE(broken.store->put("a", bytes));
  ASSERT_EQ(broken.http->calls.size(), 3u);
  EXPECT_EQ(broken.http->calls[2].method, "DELETE") << "what was begun is ended";
}

TEST(S3Store, ListsPageByPage) {
  Bench b({.prefix = "pay/"});
  b.http->answers = {
      answered(200,
               "<L><IsTruncated>true</IsTruncated><Contents><Key>pay/b&amp;c</Key></Contents>"
               "<NextContinuationToken>t=1</NextContinuationToken></L>"),
      answered(200,
               "<L><IsTruncated>false</IsTruncated><Contents><Key>pay/a</Key></Contents></L>")};
  EXPECT_THAT(*b.store->list("x"), ElementsAre("a", "b&c"));
  EXPECT_THAT(b.http->calls[1].url,
              HasSubstr("?continuation-token=t%3D1&list-type=2&prefix=pay%2Fx"));
}

TEST(S3Store, AShorterObjectThanToldIsAnError) {
  Bench b;
  b.http->answers = {answered(200, "12345", {{"content-length", "6"}})};
  auto got = b.store->get("a");
  ASSERT_FALSE(got);
  EXPECT_THAT(got.error().line(), HasSubstr("the object is cut short: 5 of 6 bytes"));
}

// --- what a connection can do

struct Wire {
  explicit Wire(std::function<void(LoopbackServer::Peer&)> talk) : server(std::move(talk)) {}
  Result<HttpAnswer> get(Duration timeout = seconds(20)) {
    CurlCallerOptions options;
    options.timeout = timeout;
    return CurlCaller(options).call(
        {.url = "http://127.0.0.1:" + std::to_string(server.port()) + "/a"});
  }
  LoopbackServer server;
};

void answer(LoopbackServer::Peer& peer, const std::string& text) {
  peer.read_until("\r\n\r\n");
  peer.write(text);
}

TEST(CurlCaller, AnAnswerIsWholeOrAnError) {
  struct Row {
    const char* text;
    const char* error;  // null: none
  };
  for (Row row :
       {Row{"HTTP/1.1 200 OK\r\nContent-Length: 3\r\nETag:  \"x\" \r\n\r\nabc", nullptr},
        Row{"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n", nullptr},
        Row{"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc", "bytes remaining"},
        Row{"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n5\r\nab", ""},
        Row{"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nabc", "whose length nothing tells"},
        Row{"", ""}}) {
    Wire wire([row](LoopbackServer::Peer& peer) { answer(peer, row.text); });
    auto got = wire.get();
    ASSERT_EQ(got.has_value(), row.error == nullptr) << row.text;
    if (got) {
      EXPECT_EQ(got->body, "abc");
    } else {
      EXPECT_THAT(got.error().line(), HasSubstr(row.error));
    }
    if (got && got->headers.contains("etag")) {
      EXPECT_EQ(got->headers["etag"], "\"x\" ") << "but for blanks before it";
    }
  }
}

TEST(CurlCaller, NobodyIsWaitedForForEver) {
  Wire silent([](LoopbackServer::Peer& peer) { peer.read_until("never"); });
  auto got = silent.get(milliseconds(200));
  ASSERT_FALSE(got);
  EXPECT_THAT(got.error().line(), HasSubstr("127.0.0.1"));
}

TEST(CurlCaller, SendsABodyAndItsMethod) {
  std::string head, body;
  LoopbackServer server([&](LoopbackServer::Peer& peer) {
    head = peer.read_until("\r\n\r\n");
    body = peer.read(5);
    peer.write("HTTP/1.1 204 No Content\r\n\r\n");
  });
  auto sent = CurlCaller({}).call(
      {.method = "PUT",
       .url = "http://127.0.0.1:" + std::to_string(server.port()) + "/a/../b%3D?x=",
       .headers = {"x-a: b"},
       .body = "bytes"});
  ASSERT_TRUE(sent) << sent.error().line();
  EXPECT_EQ(sent->status, 204);
  EXPECT_EQ(body, "bytes");
  EXPECT_THAT(head, AllOf(StartsWith("PUT /a/../b%3D?x= HTTP/1.1\r\n"), HasSubstr("\r\nx-a: b\r\n"),
                          HasSubstr("\r\nContent-Length: 5\r\n"), Not(HasSubstr("Expect"))));
}

// --- where keys come from

struct Keys {
  std::map<std::string, std::string> variables;
  SimulatedFiles files{1};
  FakeCaller http;
  ManualClock clock{*parse_rfc3339("2026-11-01T10:00:00Z")};
  AwsCredentialChain chain{
      {[this](const char* name) { return variables[name]; }, files, http, clock}, {}};
  std::string id() {
    auto keys = chain.get();
    return keys ? keys->access_key_id +
                      (keys->session_token.empty() ? "" : "+" + keys->session_token)
                : keys.error().line();
  }
};

TEST(AwsCredentials, TheFirstThatThereIs) {
  Keys k;
  k.variables = {{"AWS_EC2_METADATA_DISABLED", "true"}, {"HOME", "/home/p"}};
  EXPECT_THAT(
      k.id(),
      StartsWith("there are no credentials for the archive's store; set AWS_ACCESS_KEY_ID"));
  ASSERT_TRUE(replace_whole(
      k.files, "/home/p/.aws/credentials",
      "# keys\n[default]\naws_access_key_id = D\r\naws_secret_access_key= s\n\n"
      "[ bank ]\naws_access_key_id=B\naws_secret_access_key=a=b\naws_session_token = t\n"));
  EXPECT_EQ(k.id(), "D");
  k.variables["AWS_PROFILE"] = "bank";
  EXPECT_EQ(k.id(), "D") << "looked at again in five minutes";
  k.clock.advance(minutes(5));
  EXPECT_EQ(k.id(), "B+t");
  EXPECT_EQ(k.chain.get()->secret_access_key, "a=b");
  k.variables["AWS_PROFILE"] = "other";
  k.chain.forget();
  EXPECT_THAT(k.id(), HasSubstr("of the profile 'other'; write them there"));
  k.variables["AWS_ACCESS_KEY_ID"] = "E";
  EXPECT_THAT(k.id(), HasSubstr("go together"));
  k.variables["AWS_SECRET_ACCESS_KEY"] = "s";
  EXPECT_EQ(k.id(), "E");
}

std::string role_answer(const std::string& id, const std::string& expires) {
  return R"({"Code":"Success","AccessKeyId":")" + id +
         R"(","SecretAccessKey":"s","Token":"t","Expiration":")" + expires + "\"}";
}

TEST(AwsCredentials, OfAContainer) {
  Keys k;
  k.variables = {{"AWS_CONTAINER_CREDENTIALS_FULL_URI", "http://169.254.170.23/v1/credentials"},
                 {"AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE", "token"}};
  ASSERT_TRUE(replace_whole(k.files, "token", "abc\n"));
  k.http.answers = {answered(200, role_answer("C1", "2026-11-01T11:00:00Z")),
                    answered(200, role_answer("C2", "2026-11-01T12:00:00Z"))};
  EXPECT_EQ(k.id(), "C1+t");
  EXPECT_THAT(k.http.calls[0].headers, ElementsAre("Authorization: abc"));
  k.clock.advance(minutes(54));
  EXPECT_EQ(k.id(), "C1+t");
  k.clock.advance(minutes(1));
  EXPECT_EQ(k.id(), "C2+t") << "new ones five minutes before the end";
  k.clock.advance(minutes(61));
  EXPECT_EQ(k.id(), "C2+t") << "nobody answers, and these still hold";
  k.clock.advance(minutes(5));
  EXPECT_THAT(k.id(), HasSubstr("nobody answers"));
  k.variables["AWS_CONTAINER_CREDENTIALS_FULL_URI"] = "http://evil.example/v1";
  EXPECT_THAT(k.id(), HasSubstr("neither https nor of this machine"));
  k.variables["AWS_CONTAINER_CREDENTIALS_FULL_URI"] = "http://127.0.0.1.evil.example/v1";
  EXPECT_THAT(k.id(), HasSubstr("neither https nor of this machine"));
}

TEST(AwsCredentials, OfAnInstance) {
  Keys k;
  k.http.answers = {answered(200, "token-1"), answered(200, "archive-role\n"),
                    answered(200, role_answer("I", "2026-11-01T16:00:00Z"))};
  EXPECT_EQ(k.id(), "I+t");
  ASSERT_EQ(k.http.calls.size(), 3u);
  EXPECT_EQ(k.http.calls[0].method, "PUT");
  EXPECT_EQ(k.http.calls[2].url,
            "http://169.254.169.254/latest/meta-data/iam/security-credentials/archive-role");
  EXPECT_THAT(k.http.calls[2].headers, ElementsAre("X-aws-ec2-metadata-token: token-1"));
}

}  // namespace
}  // namespace paywarden

// The published examples: AWS's "Signature Version 4 Test Suite" (AWS General Reference; its files get-vanilla, get-vanilla-query-order-key-case,
// post-vanilla) and the examples of "Authenticating Requests: Using the Authorization Header" (Amazon S3 API Reference, sig-v4-header-based-auth).
#include "objects/aws_signature.h"

#include <gmock/gmock.h>

#include "base/digest.h"

namespace paywarden {
namespace {

using testing::HasSubstr;

const AwsCredentials kSuite = {"AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", "", {}};
const AwsCredentials kS3 = {
    "AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", "", {}};
const EventTime kSuiteTime = *parse_rfc3339("2015-08-30T12:36:00Z");
const EventTime kS3Time = *parse_rfc3339("2013-05-24T00:00:00Z");

std::string suite(const std::string& method, const NamedTexts& query) {
  AwsRequest request{method,
                     "/",
                     query,
                     {{"host", "example.amazonaws.com"}, {"x-amz-date", "20150830T123600Z"}},
                     sha256_hex("")};
  return aws_authorization(request, kSuite, {"us-east-1", "service"}, kSuiteTime);
}

TEST(AwsSignature, TheTestSuite) {
  EXPECT_EQ(suite("GET", {}),
            "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, "
            "SignedHeaders=host;x-amz-date, "
            "Signature=5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31");
  EXPECT_THAT(
      suite("GET", {{"Param2", "value2"}, {"Param1", "value1"}}),
      HasSubstr("Signature=b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500"));
  EXPECT_THAT(
      suite("POST", {}),
      HasSubstr("Signature=5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b"));
}

std::string s3(AwsRequest request) {
  request.headers.emplace_back("host", "examplebucket.s3.amazonaws.com");
  request.headers.emplace_back("x-amz-content-sha256", request.payload);
  request.headers.emplace_back("x-amz-date", "20130524T000000Z");
  return aws_authorization(request, kS3, {"us-east-1", "s3"}, kS3Time);
}

TEST(AwsSignature, TheExamplesOfS3) {
  const std::string kEmpty = sha256_hex("");
  EXPECT_THAT(
      s3({"GET", "/test.txt", {}, {{"range", "bytes=0-9"}}, kEmpty}),
      HasSubstr("SignedHeaders=host;range;x-amz-content-sha256;x-amz-date, "
                "Signature=f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41"));
  EXPECT_THAT(
      s3({"PUT",
          "/test$file.text",
          {},
          {{"date", "Fri, 24 May 2013 00:00:00 GMT"},
           {"x-amz-storage-class", "REDUCED_REDUNDANCY"}},
          sha256_hex("Welcome to Amazon S3.")}),
      HasSubstr("Signature=98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd"));
  EXPECT_THAT(
      s3({"GET", "/", {{"lifecycle", ""}}, {}, kEmpty}),
      HasSubstr("Signature=fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543"));
  EXPECT_THAT(
      s3({"GET", "/", {{"prefix", "J"}, {"max-keys", "2"}}, {}, kEmpty}),
      HasSubstr("Signature=34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7"));
}

TEST(AwsSignature, Encoding) {
  EXPECT_EQ(uri_encoded("/a b/year=2026/d+0+1.gz/~x_\xc3\xa9", Slash::kept),
            "/a%20b/year%3D2026/d%2B0%2B1.gz/~x_%C3%A9");
  EXPECT_EQ(uri_encoded("a/b", Slash::encoded), "a%2Fb");
  EXPECT_EQ(encoded_query({{"uploads", ""}, {"b", "2 3"}, {"a-b", "1"}, {"a", "/"}}),
            "a=%2F&a-b=1&b=2%203&uploads=");
}

}  // namespace
}  // namespace paywarden

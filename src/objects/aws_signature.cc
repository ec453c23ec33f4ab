#include "objects/aws_signature.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/digest.h"

namespace paywarden {
namespace {

constexpr std::string_view kAlgorithm = "AWS4-HMAC-SHA256";

std::string hmac(std::string_view key, std::string_view message) {
  return std::string(view_of(HmacKey(key).sign(message)));
}

// Runs of blanks count as one, none at the ends.
std::string trimmed(std::string_view value) {
  std::string out;
  for (char c : value) {
    bool blank = c == ' ';
    if (blank && (out.empty() || out.back() == ' ')) continue;
    out.push_back(c);
  }
  while (!out.empty() && out.back() == ' ') out.pop_back();
  return out;
}

std::string signed_names(const NamedTexts& sorted) {
  std::string names;
  for (const auto& [name, value] : sorted) names += (names.empty() ? "" : ";") + name;
  return names;
}

std::string canonical(const AwsRequest& request, const NamedTexts& headers) {
  std::string text = request.method + "\n" + uri_encoded(request.path, Slash::kept) + "\n" +
                     encoded_query(request.query) + "\n";
  for (const auto& [name, value] : headers) text += name + ":" + trimmed(value) + "\n";
  return text + "\n" + signed_names(headers) + "\n" + request.payload;
}

}  // namespace

std::string aws_time(EventTime time) {
  std::string text = format_rfc3339(time).substr(0, 19);  // 2013-05-24T00:00:00
  std::erase_if(text, [](char c) { return c == '-' || c == ':'; });
  return text + "Z";
}

std::string uri_encoded(std::string_view text, Slash slash) {
  std::string out;
  for (char c : text) {
    bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                 c == '-' || c == '.' || c == '_' || c == '~' || (c == '/' && slash == Slash::kept);
    if (plain)
      out.push_back(c);
    else
      out += fmt::format("%{:02X}", static_cast<unsigned char>(c));
  }
  return out;
}

std::string encoded_query(const NamedTexts& query) {
  NamedTexts encoded;
  for (const auto& [name, value] : query)
    encoded.emplace_back(uri_encoded(name, Slash::encoded), uri_encoded(value, Slash::encoded));
  std::sort(encoded.begin(), encoded.end());
  std::string text;
  for (const auto& [name, value] : encoded) text += (text.empty() ? "" : "&") + name + "=" + value;
  return text;
}

std::string aws_authorization(const AwsRequest& request, const AwsCredentials& credentials,
                              const AwsScope& scope, EventTime now) {
  NamedTexts headers = request.headers;
  std::sort(headers.begin(), headers.end());
  std::string time = aws_time(now), date = time.substr(0, 8);
  std::string place = date + "/" + scope.region + "/" + scope.service + "/aws4_request";
  std::string to_sign = fmt::format("{}\n{}\n{}\n{}", kAlgorithm, time, place,
                                    sha256_hex(canonical(request, headers)));
  std::string key = hmac("AWS4" + credentials.secret_access_key, date);
  for (std::string_view step : {std::string_view(scope.region), std::string_view(scope.service),
                                std::string_view("aws4_request")})
    key = hmac(key, step);
  return fmt::format("{} Credential={}/{}, SignedHeaders={}, Signature={}", kAlgorithm,
                     credentials.access_key_id, place, signed_names(headers),
                     to_hex(hmac(key, to_sign)));
}

}  // namespace paywarden

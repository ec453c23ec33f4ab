// The description of the HTTP API (OpenAPI 3.1), served as /openapi.json and shown by /docs.
#pragma once

#include <string_view>

namespace paywarden {
std::string_view openapi_json();
}

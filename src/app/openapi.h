// The description of the HTTP API (OpenAPI 3.1), served as /openapi.json and shown by /docs.
//
//   std::string json = openapi_json({.changes = false});    // without the routes that a program does not have
#pragma once

#include <string>

namespace paywarden {

struct ApiRoutes {
  bool payments = true;  // and labels
  bool changes = true;
};
std::string openapi_json(ApiRoutes routes);

}  // namespace paywarden

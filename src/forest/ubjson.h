// UBJSON (https://ubjson.org, draft 12) as JSON: for models that XGBoost saved as .ubj, its default since 2.1.
//
//   TRY_ASSIGN(std::string json, ubjson_to_json(bytes, "model.ubj"));
//   auto model = read_xgboost_json(json, "model.ubj");
//
// 32-bit floats are written so that they read back to the same 32 bits. Safe on hostile input: nesting and the size of the
// text are limited, every length is checked against what is there.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"

namespace paywarden {

inline constexpr size_t kUbjsonNestingMax = 16;  // XGBoost's own models nest 6 deep

// `json_bytes_max`: of the text.
Result<std::string> ubjson_to_json(std::string_view bytes, std::string_view where,
                                   size_t json_bytes_max = size_t{1} << 30);

}  // namespace paywarden

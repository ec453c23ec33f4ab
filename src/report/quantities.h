// Figures as a person reads them.
//
//   count_text(1210659)          // "1,210,659"
//   share_text(0.8734)           // "87.3 %"; "–" for NaN
//   money_text(123456789, usd)   // "1,234,567.89 USD"
#pragma once

#include <cstdint>
#include <string>

#include "payment/money.h"

namespace paywarden {

std::string count_text(uint64_t count);
// One decimal; more where that would hide what matters, near 0 and near 1.
std::string share_text(double share);
std::string score_text(double score);  // as many decimals as it takes to tell it from 0: "0.0012"
std::string figure_text(double value, int decimals);  // "0.953"; "–" for NaN
// "12.3", "1,234": one decimal below 100, none from there on; "–" for NaN.
std::string rate_text(double rate);
std::string money_text(int64_t minor, Currency currency);

}  // namespace paywarden

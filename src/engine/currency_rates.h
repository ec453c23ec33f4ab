// Exchange rates to the base currency, as the log holds them: exact decimal arithmetic, no floating
// point.
//
//   TRY_ASSIGN(auto rates, CurrencyRates::parse("USD=0.92 JPY=0.0061", *Currency::parse("EUR")));
//   int64_t cents = rates.to_base(1250, usd);    // 12.50 USD -> 1150 (EUR cents), half away from
//   zero
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "payment/money.h"

namespace paywarden {

class CurrencyRates {
 public:
  explicit CurrencyRates(Currency base) : base_(base) {}
  // "USD=0.92 JPY=0.0061": what one unit of each currency is worth in the base currency; at most 9
  // decimals, below 10^6.
  static Result<CurrencyRates> parse(std::string_view text, Currency base);

  Currency base() const { return base_; }
  bool has(Currency currency) const { return currency == base_ || find(currency) != 0; }
  std::vector<Currency> currencies() const;  // all that it has, the base first
  // The amount in minor units of the base currency; as it is where the rate is unknown.
  int64_t to_base(int64_t amount_minor, Currency currency) const;
  std::string text() const;  // what parse() reads; the same rates give the same text

 private:
  int64_t find(Currency currency) const;  // rate x 10^9; 0: unknown
  Currency base_;
  std::map<std::string, int64_t, std::less<>> billionths_;
};

}  // namespace paywarden

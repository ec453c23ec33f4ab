#include "engine/currency_rates.h"

#include <algorithm>

namespace paywarden {
namespace {
__extension__ using Wide = __int128;
constexpr int kDecimals = 9;
constexpr int64_t kRateMax = int64_t{1'000'000} * 1'000'000'000;

int64_t power_of_ten(int n) {
  int64_t p = 1;
  while (n-- > 0) p *= 10;
  return p;
}
}  // namespace

Result<CurrencyRates> CurrencyRates::parse(std::string_view text, Currency base) {
  CurrencyRates rates(base);
  while (!text.empty()) {
    size_t end = std::min(text.find_first_of(" \n,"), text.size());
    std::string_view item = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    if (item.empty()) continue;
    auto currency = Currency::parse(item.substr(0, item.find('=')));
    size_t equals = item.find('=');
    auto rate = equals == std::string_view::npos
                    ? Result<int64_t>(fail("has no rate"))
                    : parse_minor_units(item.substr(equals + 1), kDecimals);
    if (!currency || !rate || *rate <= 0 || *rate > kRateMax)
      return fail("'" + std::string(item.substr(0, 40)) + "' is no exchange rate", {},
                  "write CODE=RATE, the worth of one unit in " + std::string(base.code()) +
                      ", with at most 9 decimals: USD=0.92");
    rates.billionths_[std::string(currency->code())] = *rate;
  }
  return rates;
}

std::vector<Currency> CurrencyRates::currencies() const {
  std::vector<Currency> all = {base_};
  for (const auto& [code, rate] : billionths_) all.push_back(*Currency::parse(code));
  return all;
}

int64_t CurrencyRates::find(Currency currency) const {
  auto at = billionths_.find(currency.code());
  return at == billionths_.end() ? 0 : at->second;
}

int64_t CurrencyRates::to_base(int64_t amount_minor, Currency currency) const {
  if (currency == base_) return amount_minor;
  int64_t rate = find(currency);
  if (rate == 0) return amount_minor;
  Wide product = static_cast<Wide>(amount_minor) * rate * power_of_ten(base_.exponent());
  Wide divisor = static_cast<Wide>(power_of_ten(kDecimals)) * power_of_ten(currency.exponent());
  Wide half = product < 0 ? -(divisor / 2) : divisor / 2;
  Wide result = (product + half) / divisor;
  Wide most = kAmountMinorMax;
  return static_cast<int64_t>(std::clamp(result, -most, most));
}

std::string CurrencyRates::text() const {
  std::string out;
  for (const auto& [code, rate] : billionths_)
    out += (out.empty() ? "" : " ") + code + "=" + format_minor_units(rate, kDecimals);
  return out;
}

}  // namespace paywarden

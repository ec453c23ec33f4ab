// Writes payments as text. This is most of the simulator's cost, so a line is put together in a
// buffer on the stack.
#include "simulator/simulated_payment.h"

#include <cstring>

#include "base/check.h"

namespace paywarden {
namespace {

// The longest line: about 420 bytes of fixed text and numbers, an id prefix (32 at most) and a
// merchant (64 at most).
constexpr size_t kLineMax = 768;

class Line {
 public:
  Line& text(std::string_view s) {
    CHECK(s.size() <= static_cast<size_t>(bytes_ + kLineMax - at_),
          "a simulated payment fits its line");
    std::memcpy(at_, s.data(), s.size());
    at_ += s.size();
    return *this;
  }
  Line& integer(uint64_t value) {
    char digits[20];
    char* first = digits + sizeof digits;
    do *--first = static_cast<char>('0' + value % 10);
    while (value /= 10);
    return text({first, static_cast<size_t>(digits + sizeof digits - first)});
  }
  // `value` / 10^places, with all places written.
  Line& decimal(int64_t value, int places) {
    if (value < 0) text("-");
    auto magnitude = static_cast<uint64_t>(value < 0 ? -value : value);
    uint64_t scale = places == 2 ? 100 : 10'000;
    integer(magnitude / scale).text(".");
    char digits[4];
    magnitude %= scale;
    for (int i = places - 1; i >= 0; --i, magnitude /= 10)
      digits[i] = static_cast<char>('0' + magnitude % 10);
    return text({digits, static_cast<size_t>(places)});
  }
  Line& device(uint64_t id) {
    char name[16] = {'d', 'e', 'v', '-'};
    for (int i = 15; i >= 4; --i, id >>= 4) name[i] = "0123456789abcdef"[id >> 16 & 15];
    return text({name, sizeof name});
  }
  Line& time(EventTime time) {
    char written[24];
    write_rfc3339(time, written);
    return text({written, sizeof written});
  }
  std::string_view view() const { return {bytes_, static_cast<size_t>(at_ - bytes_)}; }

 private:
  char bytes_[kLineMax];
  char* at_ = bytes_;
};

}  // namespace

std::string_view SimulatedPayment::channel() const {
  if (merchant->online) return "online";
  return merchant->category == category::cash ? "atm" : "pos";
}

std::string_view SimulatedPayment::currency() const {
  return merchant->charges_usd ? "USD" : "EUR";
}

std::string SimulatedPayment::payment_id() const {
  return std::string(id_prefix) + std::to_string(number);
}

void SimulatedPayment::append_json(std::string& out, Labels labels) const {
  Line line;
  line.text("{\"payment_id\":\"").text(id_prefix).integer(number);
  line.text("\",\"event_time\":\"").time(event_time);
  line.text("\",\"card\":\"").text({pan.data(), pan.size()});
  line.text("\",\"merchant\":\"").text(merchant->name);
  line.text("\",\"category\":\"").text(categories()[merchant->category].name);
  line.text("\",\"amount\":\"").decimal(amount_minor, 2);
  line.text("\",\"currency\":\"").text(currency());
  line.text("\",\"latitude\":").decimal(place.latitude_e4, 4);
  line.text(",\"longitude\":").decimal(place.longitude_e4, 4);
  line.text(",\"merchant_latitude\":").decimal(merchant->place.latitude_e4, 4);
  line.text(",\"merchant_longitude\":").decimal(merchant->place.longitude_e4, 4);
  if (device != 0) line.text(",\"device\":\"").device(device).text("\"");
  line.text(",\"channel\":\"").text(channel());
  line.text("\",\"country\":\"").text(cities()[merchant->city].country);
  line.text("\",\"entry_mode\":\"").text(name_of(entry));
  if (labels == Labels::written) {
    line.text(is_fraud() ? "\",\"is_fraud\":1" : "\",\"is_fraud\":0");
    line.text(",\"fraud_scenario\":\"").text(name_of(scenario));
  }
  line.text("\"}\n");
  out.append(line.view());
}

std::string_view SimulatedPayment::csv_header() {
  return "payment_id,event_time,card,merchant,category,amount,currency,latitude,longitude,merchant_"
         "latitude,"
         "merchant_longitude,device,channel,country,entry_mode,is_fraud,fraud_scenario\n";
}

void SimulatedPayment::append_csv(std::string& out) const {
  Line line;
  line.text(id_prefix).integer(number).text(",").time(event_time).text(",");
  line.text({pan.data(), pan.size()}).text(",").text(merchant->name).text(",");
  line.text(categories()[merchant->category].name).text(",").decimal(amount_minor, 2).text(",");
  line.text(currency()).text(",").decimal(place.latitude_e4, 4).text(",");
  line.decimal(place.longitude_e4, 4).text(",").decimal(merchant->place.latitude_e4, 4).text(",");
  line.decimal(merchant->place.longitude_e4, 4).text(",");
  if (device != 0) line.device(device);
  line.text(",").text(channel()).text(",").text(cities()[merchant->city].country).text(",");
  line.text(name_of(entry)).text(is_fraud() ? ",1," : ",0,").text(name_of(scenario)).text("\n");
  out.append(line.view());
}

}  // namespace paywarden

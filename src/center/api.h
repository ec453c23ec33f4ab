// The answers of the notification center's API (docs/center-api.md), one function a route: request
// in, response out.
//
//   Api api(store, accounts, labelling, live, status, mask_text, clock);
//   http::Response response = api.alerts(request);          // reads the store: on a worker
//   api.give_verdict(request, [](http::Response) { ... });   // answers later, on a worker
//   server_ports.authorise = [&](auto& request, auto role) { return api.authorise(request, role);
//   };
//
// Any thread. `request.principal` is a Caller wherever a role is asked for.
#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "center/accounts.h"
#include "center/labelling.h"
#include "center/live.h"
#include "center/ports.h"
#include "http/message.h"
#include "notify/store.h"

namespace paywarden {

struct Caller : http::Principal {
  Who who;
};

struct ApiOptions {
  int alerts_limit_max = 200;     // of one page of alerts
  int deliveries_max = 500;       // of one answer; the page shows what needs a hand, not history
  size_t note_bytes_max = 2'000;  // of a verdict's note
};

class Api {
 public:
  using Respond = std::function<void(http::Response)>;
  Api(Store& store, Accounts& accounts, Labelling& labelling, Live& live,
      const StatusSource& status, MaskText mask_text, Clock& clock, ApiOptions options = {});

  // By API key (Authorization: Bearer) or session cookie; by cookie, what changes something must
  // come from our own page. 401 with no valid one, 403 with too little a role. Below 2 us: no
  // store, no waiting.
  tl::expected<http::PrincipalPtr, http::Response> authorise(const http::Request& request,
                                                             std::string_view role) const;

  void sign_in(const http::Request& request, Respond respond) const;
  http::Response sign_out(const http::Request& request) const;
  http::Response me(const http::Request& request) const;
  http::Response alerts(const http::Request& request) const;
  http::Response alert(const http::Request& request) const;
  void give_verdict(const http::Request& request, Respond respond) const;
  http::Response stats(const http::Request& request) const;
  http::Response deliveries(const http::Request& request) const;
  http::Response retry(const http::Request& request) const;
  http::Response status(const http::Request& request) const;

 private:
  http::Response alert_of(int64_t id) const;

  Store& store_;
  Accounts& accounts_;
  Labelling& labelling_;
  Live& live_;
  const StatusSource& status_;
  const MaskText mask_text_;
  Clock& clock_;
  const ApiOptions options_;
};

// True where a request that a browser sends with our cookie can only be our page's: it carries
// X-Paywarden-Request, which no other site may send, and where it names its origin, that is this
// host.
bool is_from_our_page(const http::Request& request);

}  // namespace paywarden

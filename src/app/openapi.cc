#include "app/openapi.h"

#include <string_view>

namespace paywarden {
namespace {

constexpr std::string_view kBegin = R"json({
"openapi":"3.1.0",
"info":{"title":"Paywarden","version":"1","description":"Payments in, decisions out. Every answer that is not 2xx is problem+json (RFC 9457) with title and detail; send the API key as Authorization: Bearer pw_..."},
"components":{
 "securitySchemes":{"key":{"type":"http","scheme":"bearer","description":"An API key, made with: paywarden key create"}},
 "schemas":{
  "Payment":{"type":"object","description":"The fields that the configuration's [schema] names; these are the demo's.","required":["payment_id","event_time","card","amount"],
   "properties":{
    "payment_id":{"type":"string","maxLength":128,"description":"Unique for ever; the same id with the same body is answered as before"},
    "event_time":{"type":"string","format":"date-time","description":"When the payment was made; at most 5 minutes ahead of now"},
    "card":{"type":"string","description":"The card number; kept as a token only"},
    "merchant":{"type":"string"},"category":{"type":"string"},
    "amount":{"type":"string","description":"Decimal, in major units; 0 is valid","examples":["12.50"]},
    "currency":{"type":"string","description":"ISO 4217","examples":["EUR"]},
    "latitude":{"type":"number"},"longitude":{"type":"number"},
    "merchant_latitude":{"type":"number"},"merchant_longitude":{"type":"number"},
    "device":{"type":"string"},"channel":{"type":"string","enum":["pos","online","atm"]},
    "country":{"type":"string"},"entry_mode":{"type":"string"}},
   "examples":[{"payment_id":"shop-1001","event_time":"2026-11-22T12:00:00Z","card":"9999 9999 9999 9996","merchant":"Corner Shop","category":"grocery","amount":"12.50","currency":"EUR","channel":"pos"}]},
  "Reason":{"type":"object","properties":{"feature":{"type":"string"},"value":{"type":["number","null"]},"usual":{"type":["number","null"],"description":"The median among genuine payments in training"},"contribution":{"type":"number","description":"SHAP value: what it added to the score's log-odds"},"text":{"type":"string","description":"The same as a sentence, from the feature's declaration; decisions of earlier versions have none","examples":["amount 912.40 EUR is 14 x this card's 30-day mean, 1.1 x is usual"]}}},
  "Decision":{"type":"object","properties":{
    "payment_id":{"type":"string"},"outcome":{"type":"string","enum":["approve","review","decline"]},
    "score":{"type":"number","minimum":0,"maximum":1},
    "reasons":{"type":"array","items":{"$ref":"#/components/schemas/Reason"}},
    "rules":{"type":"array","items":{"type":"string"},"description":"Names of the rules that fired"},
    "model":{"type":"string"},"event_time":{"type":"string","format":"date-time"},
    "card":{"type":"string","description":"First six and last four digits"},
    "late":{"type":"boolean","description":"Older than the state reaches back in full"},
    "approximate":{"type":"array","items":{"type":"string"},"description":"Features whose key has outgrown its exact limit"},
    "guarded":{"type":"boolean","description":"The decline guard turned the model's decline into a review"},
    "shadow":{"type":"object","description":"What the shadow model says, without effect","properties":{
      "model":{"type":"string"},"score":{"type":"number"},"outcome":{"type":"string"}}},
    "would_be":{"type":"string","description":"In mode observe: what the outcome would have been"}}},
  "Default":{"type":"object","properties":{"decided":{"type":"boolean","const":false},"outcome":{"type":"string"}}},
  "Label":{"type":"object","required":["payment_id","is_fraud"],"properties":{
    "payment_id":{"type":"string"},"is_fraud":{"type":"boolean"},"source":{"type":"string","maxLength":128},"event_time":{"type":"string","format":"date-time"}},
   "examples":[{"payment_id":"shop-1001","is_fraud":true,"source":"chargeback"}]},
  "Change":{"type":"object","required":["kind"],"properties":{
    "kind":{"type":"string","enum":["model","thresholds","rules","list_add","list_remove","list_replace","list_drop","mode","guard_reset","rates"]},
    "name":{"type":"string","description":"A list's name; for rules the name shown in messages"},
    "content":{"type":"string","description":"model: a bundle's directory on the server; thresholds: review=0.5 decline=0.9; rules: the whole text; list_*: an entry a line; mode: decide or observe; rates: USD=0.92 JPY=0.0061"},
    "reason":{"type":"string"}},
   "examples":[{"kind":"list_add","name":"blocked","content":"00112233445566778899aabbccddeeff","reason":"reported stolen"}]},
  "Problem":{"type":"object","properties":{"type":{"type":"string"},"title":{"type":"string"},"status":{"type":"integer"},"detail":{"type":"string"},
   "field":{"type":"string","description":"Of a payment that was rejected: the field, as the sender calls it"},
   "reason":{"type":"string","description":"Of a payment that was rejected: the word of the metrics and the rejects file"}}}}},
"security":[{"key":[]}],
"paths":{
)json";

constexpr std::string_view kPayments =
    R"json( "/v1/payments":{"post":{"tags":["payments"],"summary":"Decide one payment","description":"Role: intake. The answer is the decision, kept before it is told.",
  "requestBody":{"required":true,"content":{"application/json":{"schema":{"$ref":"#/components/schemas/Payment"}}}},
  "responses":{"200":{"description":"Decided, or decided before","content":{"application/json":{"schema":{"$ref":"#/components/schemas/Decision"}}}},
   "400":{"description":"Not JSON"},"401":{"description":"No valid key"},"403":{"description":"The key has another role"},"409":{"description":"The id was used with another body"},
   "413":{"description":"Larger than 64 KiB"},"422":{"description":"A field was rejected, or there is no exchange rate for the currency"},"429":{"description":"Too many connections from one address"},"503":{"description":"Beyond capacity, or the disk is nearly full; send it again"},
   "504":{"description":"The deadline passed: the default outcome, which is no decision","content":{"application/json":{"schema":{"$ref":"#/components/schemas/Default"}}}}}}},
 "/v1/payments:batch":{"post":{"tags":["payments"],"summary":"Decide many payments, a JSON object a line","description":"Role: intake. Streams: each line is answered with an object that has line and status, and the decision where there is one; of a payment that was rejected title, detail, field and reason.",
  "requestBody":{"required":true,"content":{"application/x-ndjson":{"schema":{"$ref":"#/components/schemas/Payment"}}}},
  "responses":{"200":{"description":"One object a line"}}}},
 "/v1/labels":{"post":{"tags":["labels"],"summary":"Say whether a payment was fraud","description":"Role: intake. The last word wins; a label of an unknown payment waits for it.",
  "requestBody":{"required":true,"content":{"application/json":{"schema":{"$ref":"#/components/schemas/Label"}}}},
  "responses":{"200":{"description":"Kept, and its payment found"},"202":{"description":"Kept; its payment is unknown so far"},"422":{"description":"Not a label"},"503":{"description":"Intake is closed, or too much waits: send it again"}}}},
 "/v1/labels:batch":{"post":{"tags":["labels"],"summary":"Many labels, a JSON object a line","description":"Role: intake.",
  "requestBody":{"required":true,"content":{"application/x-ndjson":{"schema":{"$ref":"#/components/schemas/Label"}}}},
  "responses":{"200":{"description":"One object a line"}}}},
)json";

constexpr std::string_view kDecisions =
    R"json( "/v1/decisions/{payment_id}":{"get":{"tags":["decisions"],"summary":"The decision on a payment","description":"Role: reader.",
  "parameters":[{"name":"payment_id","in":"path","required":true,"schema":{"type":"string"}}],
  "responses":{"200":{"description":"As it was answered","content":{"application/json":{"schema":{"$ref":"#/components/schemas/Decision"}}}},"404":{"description":"Unknown"},"503":{"description":"The log cannot be read, or too many read it: ask again"}}}},
)json";

constexpr std::string_view kChanges =
    R"json( "/v1/changes":{"post":{"tags":["changes"],"summary":"Change the model, rules, lists, thresholds or mode","description":"Role: admin. Logged with who and why, and in force for every payment behind it.",
  "requestBody":{"required":true,"content":{"application/json":{"schema":{"$ref":"#/components/schemas/Change"}}}},
  "responses":{"200":{"description":"In force"},"422":{"description":"Refused; nothing changed"}}}},
)json";

constexpr std::string_view kOperation =
    R"json( "/healthz":{"get":{"tags":["operation"],"summary":"Whether the program runs","security":[],"responses":{"200":{"description":"It does"}}}},
 "/readyz":{"get":{"tags":["operation"],"summary":"Whether it takes payments","security":[],"responses":{"200":{"description":"It does"},"503":{"description":"Starting, stopping, or the disk is nearly full"}}}},
 "/metrics":{"get":{"tags":["operation"],"summary":"Figures in Prometheus text format","description":"Role: observer.","responses":{"200":{"description":"Figures"}}}}
}})json";

}  // namespace

std::string openapi_json(ApiRoutes routes) {
  std::string out(kBegin);
  if (routes.payments) out += kPayments;
  out += kDecisions;
  if (routes.changes) out += kChanges;
  out += kOperation;
  return out;
}

}  // namespace paywarden

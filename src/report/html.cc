#include "report/html.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <iterator>
#include <span>

#include "report/axis.h"
#include "report/drift_figures.h"
#include "report/figures.h"
#include "report/html_style.h"
#include "report/html_text.h"
#include "report/importance_figure.h"
#include "report/quantities.h"

namespace paywarden {
namespace {

template <typename... Args>
void append(std::string& out, fmt::format_string<Args...> format, Args&&... args) {
  fmt::format_to(std::back_inserter(out), format, std::forward<Args>(args)...);
}

double share(uint64_t part, uint64_t whole) {
  return whole ? static_cast<double>(part) / static_cast<double>(whole) : kUnknown;
}

std::string joined(std::span<const std::string> words) {
  std::string text;
  for (const std::string& word : words) text += (text.empty() ? "" : ", ") + word;
  return text;
}

void write_head(std::string& out) {
  out +=
      "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
      "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
      "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src "
      "'unsafe-inline'\">\n"
      "<title>Paywarden: detection quality</title>\n<style>";
  out += kReportStyle;
  out += "</style>\n</head>\n<body>\n";
}

// ---- What was measured ----

std::string moment_text(EventTime time) {
  return format_rfc3339(time).substr(0, 16).replace(10, 1, " ");
}

void write_headline(const Metrics& metrics, const ReportSources& sources, std::string& out) {
  out += "<header>\n<h1>How well the detector decides</h1>\n";
  append(out, "<p>{} payments of {} cards, {} of them frauds ({}), from {} to {} UTC.</p>\n",
         count_text(metrics.payments), count_text(metrics.cards), count_text(metrics.frauds),
         share_text(share(metrics.frauds, metrics.payments)), moment_text(metrics.first),
         moment_text(metrics.last));
  append(out, "<p class=\"muted\">Decisions: <code>{}</code>. Data: <code>{}</code>.",
         html_text(sources.decisions), html_text(joined(sources.data)));
  if (!metrics.models.empty())
    append(out, " Model: <code>{}</code>.", html_text(joined(metrics.models)));
  out += "</p>\n</header>\n";
}

void write_tile(const char* title, const std::string& figure, const std::string& sentence,
                std::string& out) {
  append(out, "<div class=\"tile\"><h3>{}</h3><strong>{}</strong><p>{}</p></div>\n", title, figure,
         sentence);
}

void write_ranking_tiles(const Metrics& metrics, std::string& out) {
  const Ranking& ranking = metrics.ranking;
  write_tile(
      "Average precision", figure_text(ranking.average_precision, 3),
      fmt::format(
          "The precision of alerts, averaged over all recalls: 1 is perfect, {} (the share of "
          "frauds) is chance.",
          figure_text(share(metrics.frauds, metrics.payments), 4)),
      out);
  write_tile("AUC ROC", figure_text(ranking.auc_roc, 4),
             "How often a fraud scores above a genuine payment: 0.5 is chance; where frauds are "
             "rare, even a weak "
             "detector comes near 1.",
             out);
  std::string where =
      std::isfinite(ranking.score_at_precision_90)
          ? fmt::format(" (scores from {} on)", figure_text(ranking.score_at_precision_90, 3))
          : "";
  write_tile("Recall at 90 % precision", share_text(ranking.recall_at_precision_90),
             "The most frauds that can be caught with nine of ten alerts right" + where + ".", out);
}

void write_outcome_tiles(const Metrics& metrics, std::string& out) {
  const AlertQuality& alerts = metrics.alerts;
  write_tile("Frauds caught", share_text(alerts.recall),
             fmt::format("{} of {} frauds were declined or sent to review.",
                         count_text(alerts.caught), count_text(metrics.frauds)),
             out);
  write_tile("Alerts that are frauds", share_text(alerts.precision),
             fmt::format("Of {} alerts (review or decline), {} a day, {} were false alarms.",
                         count_text(alerts.alerts), rate_text(alerts.alerts_a_day),
                         count_text(alerts.false_alarms)),
             out);
  write_tile("Fraud's money caught", share_text(alerts.money_recall),
             fmt::format("{} stopped, {} lost to frauds that were approved.",
                         money_text(alerts.caught_minor, metrics.currency),
                         money_text(alerts.missed_minor, metrics.currency)),
             out);
}

void write_other_tiles(const Metrics& metrics, std::string& out) {
  write_tile(
      "Brier score", figure_text(metrics.calibration.brier, 5),
      fmt::format(
          "The score's mean squared error, 0 at best; always saying the share of frauds would "
          "give {}.",
          figure_text(metrics.calibration.brier_of_base_rate, 5)),
      out);
  write_tile("Accuracy", figure_text(metrics.ranking.accuracy * 100, 2) + " %",
             fmt::format("Alerting from a score of 0.5 on; who answers &lsquo;never fraud&rsquo; "
                         "has {} %, so this says "
                         "little.",
                         figure_text(metrics.ranking.accuracy_of_never_fraud * 100, 2)),
             out);
}

// ---- Outcomes ----

constexpr const char* kOutcomeHead =
    "<thead><tr><th>outcome</th><th>payments</th><th>share</th><th>genuine</th><th>frauds</"
    "th><th>frauds among "
    "them</th><th>of all frauds</th><th>fraud&rsquo;s money</th></tr></thead>\n<tbody>\n";

void write_outcome_table(const Metrics& metrics, std::string& out) {
  out += "<div class=\"scroll\"><table>\n";
  out += kOutcomeHead;
  for (Outcome outcome : {Outcome::approve, Outcome::review, Outcome::decline}) {
    const OutcomeCounts& at = metrics.outcomes[static_cast<size_t>(outcome)];
    uint64_t payments = at.genuine + at.frauds;
    append(out,
           "<tr><th>{}</th><td>{}</td><td>{}</td><td>{}</td><td>{}</td><td>{}</td><td>{}</"
           "td><td>{}</td></tr>\n",
           name_of(outcome), count_text(payments), share_text(share(payments, metrics.payments)),
           count_text(at.genuine), count_text(at.frauds), share_text(share(at.frauds, payments)),
           share_text(share(at.frauds, metrics.frauds)),
           money_text(at.fraud_minor, metrics.currency));
  }
  out += "</tbody></table></div>\n";
}

void write_alert_row(const char* name, const AlertQuality& at, Currency currency,
                     std::string& out) {
  append(out,
         "<tr><th>{}</th><td>{}</td><td>{}</td><td>{}</td><td>{}</td><td>{}</td><td>{}</td><td>{}</"
         "td></tr>\n",
         name, count_text(at.alerts), rate_text(at.alerts_a_day), share_text(at.precision),
         share_text(at.recall), share_text(at.false_alarm_share),
         money_text(at.caught_minor, currency), money_text(at.missed_minor, currency));
}

void write_alert_table(const Metrics& metrics, std::string& out) {
  out +=
      "<div class=\"scroll\"><table>\n<thead><tr><th>alerts</th><th>number</th><th>a "
      "day</th><th>precision</th>"
      "<th>recall</th><th>genuine payments alarmed</th><th>money caught</th><th>money "
      "missed</th></tr></thead>\n<tbody>\n";
  write_alert_row("review or decline", metrics.alerts, metrics.currency, out);
  write_alert_row("decline alone", metrics.declines, metrics.currency, out);
  out += "</tbody></table></div>\n";
}

// ---- Plots ----

const char* swatch_of(const std::string& style) {
  if (style.starts_with("mark")) return "<circle class=\"{}\" cx=\"8\" cy=\"6\" r=\"5\"/>";
  if (style.starts_with("line")) return "<path class=\"{}\" d=\"M0 6H16\"/>";
  return "<rect class=\"{}\" x=\"1\" y=\"1\" width=\"14\" height=\"10\"/>";
}

void write_figure(const Figure& figure, const char* why_empty, std::string& out) {
  append(out, "<figure>\n<h3>{}</h3>\n", html_text(figure.title));
  if (figure.svg.empty()) {
    append(out, "<p>Nothing to draw: {}</p>\n", why_empty);
  } else {
    out += "<ul class=\"legend\">";
    for (const LegendEntry& entry : figure.legend)
      append(out, "<li><svg viewBox=\"0 0 16 12\" aria-hidden=\"true\">{}</svg>{}</li>",
             fmt::format(fmt::runtime(swatch_of(entry.style)), entry.style), html_text(entry.text));
    out += "</ul>\n" + figure.svg;
  }
  append(out, "<figcaption>{}</figcaption>\n</figure>\n", html_text(figure.how_to_read));
}

// ---- The model ----

void write_importance(const Metrics& metrics, std::string& out) {
  if (!metrics.importance) return;
  const ImportanceMetrics& importance = *metrics.importance;
  out += "<section>\n<h2>What the model goes by</h2>\n";
  append(
      out,
      "<p class=\"muted\">Exact contributions (TreeSHAP) of model <code>{}</code>&rsquo;s features "
      "to "
      "the scores of {} payments and {} frauds, drawn at random.</p>\n<div class=\"grid plots\">\n",
      html_text(importance.model), count_text(importance.payments), count_text(importance.frauds));
  for (const Figure& figure : draw_importance(importance))
    write_figure(figure, "no feature moves the score.", out);
  out += "</div>\n</section>\n";
}

// ---- Drift ----

void write_drift(const Metrics& metrics, std::string& out) {
  if (!metrics.drift) return;
  out += "<section>\n<h2>Drift</h2>\n";
  append(out,
         "<p class=\"muted\">Payments by day, against those that model <code>{}</code> was trained "
         "on. Days with fewer than {} payments are not drawn.</p>\n<div class=\"grid plots\">\n",
         html_text(metrics.drift->model), count_text(metrics.drift->levels.payments_min));
  for (const Figure& figure : draw_drift(*metrics.drift))
    write_figure(figure, "no day has enough payments, or none is far from training.", out);
  out += "</div>\n</section>\n";
}

// ---- Cases ----

// The sentences stand one below the other.
void write_reasons(const Case& shown, std::string& out) {
  out += "<td class=\"text reasons\">";
  for (const std::string& reason : shown.reasons)
    append(out, "{}{}", &reason == &shown.reasons.front() ? "" : "<br/>", html_text(reason));
  out += "</td>";
}

void write_case(const Case& shown, bool reasons, std::string& out) {
  append(out,
         "<tr><td class=\"text\"><code>{}</code></td><td class=\"text\">{}</td><td>{}</td><td "
         "class=\"text\">{}</td>"
         "<td class=\"text\"><code>{}</code></td><td class=\"score\">{}</td><td "
         "class=\"text\">{}</td>",
         html_text(shown.payment_id), moment_text(shown.time),
         money_text(shown.amount_minor, shown.currency), html_text(shown.category),
         html_text(shown.card), score_text(shown.score), name_of(shown.outcome));
  if (reasons) write_reasons(shown, out);
  out += "</tr>\n";
}

void write_cases(const char* title, const char* sentence, std::span<const Case> cases, bool open,
                 std::string& out) {
  append(out,
         "<details class=\"panel\"{}>\n<summary>{} ({})</summary>\n<p class=\"muted\">{}</p>\n",
         open ? " open" : "", title, cases.size(), sentence);
  out +=
      "<div class=\"scroll\"><table class=\"cases\">\n<thead><tr><th>payment</th><th "
      "class=\"text\">time, "
      "UTC</th><th>amount</th>"
      "<th class=\"text\">category</th><th class=\"text\">card</th><th>score</th><th "
      "class=\"text\">outcome</th>";
  bool reasons = std::ranges::any_of(cases, [](const Case& c) { return !c.reasons.empty(); });
  if (reasons) out += "<th class=\"text\">reasons (what each added to the log-odds)</th>";
  out += "</tr></thead>\n<tbody>\n";
  for (const Case& shown : cases) write_case(shown, reasons, out);
  out += "</tbody></table></div>\n</details>\n";
}

void write_all_cases(const Metrics& metrics, std::string& out) {
  out += "<section>\n<h2>Payments to learn from</h2>\n";
  write_cases("Hardest misses",
              "The frauds with the lowest scores: what the features do not yet see.",
              metrics.hardest_misses, true, out);
  write_cases("Costliest misses", "The approved frauds with the largest amounts.",
              metrics.costliest_misses, false, out);
  write_cases(
      "Loudest false alarms",
      "The genuine payments with the highest scores; some are frauds that nobody has reported.",
      metrics.loudest_alarms, false, out);
  out += "</section>\n";
}

// ---- Notes ----

void write_note(uint64_t count, const char* sentence, std::string& out) {
  if (count > 0) append(out, "<li>{} {}</li>\n", count_text(count), sentence);
}

void write_notes(const Metrics& metrics, std::string& out) {
  out += "<section>\n<h2>What was counted, and what not</h2>\n<div class=\"panel\"><ul>\n";
  const SampleNotes& notes = metrics.notes;
  write_note(notes.before_from,
             "payments are older than the evaluation&rsquo;s start and left out.", out);
  write_note(notes.unlabelled, "payments have no label and count as genuine.", out);
  write_note(notes.refused, "records are no payments; intake refuses them, here as in the replay.",
             out);
  write_note(notes.repeated, "payments stand in the data a second time; the first one counts.",
             out);
  write_note(notes.decisions_unused, "decisions are about payments that are not counted.", out);
  write_note(notes.without_rate,
             "payments are in a currency without a rate; their money is counted as nothing.", out);
  append(
      out,
      "<li>Money is in {}; a day is a calendar day, UTC; averages a day are over {} days.</li>\n",
      metrics.currency.code(), rate_text(metrics.days));
  append(out,
         "<li>Card Precision@{}, mean over the days: {}. A card whose fraud was found is left out "
         "of later days.</li>\n",
         metrics.card_precision_k, figure_text(metrics.card_precision, 3));
  append(out, "<li>Calibration error, the mean distance of score and share of frauds: {}.</li>\n",
         figure_text(metrics.calibration.error, 4));
  out +=
      "<li>All figures, and those of each day, stand in <code>metrics.json</code> beside this "
      "file.</li>\n";
  out += "</ul></div>\n</section>\n";
}

}  // namespace

std::string report_html(const Metrics& metrics, const ReportSources& sources) {
  std::string out;
  write_head(out);
  write_headline(metrics, sources, out);
  out += "<main>\n<div class=\"grid tiles\">\n";
  write_ranking_tiles(metrics, out);
  write_outcome_tiles(metrics, out);
  write_other_tiles(metrics, out);
  out += "</div>\n<section>\n<h2>Outcomes</h2>\n<div class=\"panel\">\n";
  write_outcome_table(metrics, out);
  out += "</div>\n<div class=\"panel\">\n";
  write_alert_table(metrics, out);
  out += "</div>\n</section>\n<section>\n<h2>Curves</h2>\n<div class=\"grid plots\">\n";
  for (const Figure& figure : draw_figures(metrics))
    write_figure(figure, "it takes frauds and genuine payments with amounts.", out);
  out += "</div>\n</section>\n";
  write_importance(metrics, out);
  write_drift(metrics, out);
  write_all_cases(metrics, out);
  write_notes(metrics, out);
  out += "</main>\n</body>\n</html>\n";
  return out;
}

}  // namespace paywarden

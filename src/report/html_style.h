// The report's style sheet: the colours are those of the notification center's page.
#pragma once

#include <string_view>

namespace paywarden {

inline constexpr std::string_view kReportStyle = R"css(
:root {
  color-scheme: light dark;
  --ground: #f3f5f8; --surface: #ffffff; --line: #dde2e9; --line-strong: #8793a3;
  --text: #1a2330; --muted: #566273; --decline: #b3261e; --review: #d99a1c; --genuine: #2f6f9f;
}
@media (prefers-color-scheme: dark) {
  :root {
    --ground: #10141a; --surface: #181e27; --line: #2c3643; --line-strong: #6f7d90;
    --text: #e5e9ef; --muted: #9ca9ba; --decline: #ff958c; --review: #d9a437; --genuine: #8cc2ec;
  }
}
* { box-sizing: border-box; }
body {
  margin: 0 auto; padding: 24px 20px 48px; max-width: 1280px; background: var(--ground); color: var(--text);
  font: 15px/1.5 system-ui, "Segoe UI", Roboto, "DejaVu Sans", sans-serif; overflow-wrap: anywhere;
}
h1 { margin: 0 0 4px; font-size: 26px; line-height: 1.2; }
h2 { margin: 36px 0 12px; font-size: 19px; }
h3 { margin: 0; font-size: 15px; }
p { margin: 4px 0; }
.muted, figcaption, .tile p { color: var(--muted); }
.grid { display: grid; gap: 14px; }
.tiles { grid-template-columns: repeat(auto-fill, minmax(min(100%, 270px), 1fr)); margin-top: 20px; }
.plots { grid-template-columns: repeat(auto-fill, minmax(min(100%, 380px), 1fr)); }
.tile, figure, .panel {
  margin: 0; padding: 14px 16px; background: var(--surface); border: 1px solid var(--line); border-radius: 8px;
}
.tile h3 { color: var(--muted); font-weight: 600; font-size: 14px; }
.tile strong { display: block; font-size: 27px; line-height: 1.25; font-weight: 650; }
.tile p { font-size: 13px; line-height: 1.4; }
figure { display: flex; flex-direction: column; }
figure svg { display: block; width: 100%; max-width: 560px; margin: 8px auto; height: auto; }
figcaption { font-size: 13px; line-height: 1.4; margin-top: auto; }
.legend { display: flex; flex-wrap: wrap; gap: 2px 14px; margin: 4px 0 0; padding: 0; list-style: none; font-size: 13px; }
.legend li { display: flex; align-items: center; gap: 6px; }
.legend svg { width: 16px; height: 12px; margin: 0; flex: none; }
svg text { fill: var(--muted); font-size: 11.5px; text-anchor: start; }
svg text.middle { text-anchor: middle; }
svg text.end { text-anchor: end; }
svg text.name { fill: var(--text); }
.fraud, .decline { --ink: var(--decline); }
.review { --ink: var(--review); }
.genuine { --ink: var(--genuine); }
.chance { --ink: var(--line-strong); }
.grid-line { stroke: var(--line); fill: none; }
.axis { stroke: var(--line-strong); fill: none; }
.line { stroke: var(--ink); stroke-width: 1.8; fill: none; stroke-linejoin: round; }
.line.chance { stroke-dasharray: 4 4; stroke-width: 1.3; }
.area { fill: var(--ink); fill-opacity: 0.22; }
.bar { fill: var(--ink); }
.strip { fill: var(--ground); stroke: var(--line); stroke-width: 0.5; }
.mark { fill: var(--ink); stroke: var(--surface); stroke-width: 1.5; }
.whisker { stroke: var(--ink); stroke-width: 1.3; opacity: 0.75; }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums; }
th, td { padding: 6px 14px 6px 0; text-align: right; border-bottom: 1px solid var(--line); white-space: nowrap; unicode-bidi: isolate; }
th:last-child, td:last-child { padding-right: 0; }
th { color: var(--muted); font-weight: 600; font-size: 13px; vertical-align: bottom; }
tbody th { color: var(--text); font-size: inherit; }
tr > :first-child, .text { text-align: left; }
tbody tr:last-child > * { border-bottom: 0; }
.cases td { vertical-align: top; }
.cases .reasons { white-space: normal; min-width: 300px; width: 40%; }
code { font: 0.9em ui-monospace, "DejaVu Sans Mono", Menlo, Consolas, monospace; }
summary { cursor: pointer; font-weight: 600; }
.panel + .panel { margin-top: 14px; }
details table { margin-top: 8px; }
@media (max-width: 600px) {
  body { padding: 16px 12px 32px; }
  h1 { font-size: 22px; }
  .tile, figure, .panel { padding: 12px; }
  table { font-size: 14px; }
  th, td { padding-right: 11px; }
  figure > svg text { font-size: 13px; }
  .cases thead { display: none; }
  .cases tr { display: flex; flex-wrap: wrap; gap: 2px 12px; padding: 9px 0; border-bottom: 1px solid var(--line); }
  .cases tbody tr > td { border: 0; padding: 0; }
  .cases .score::before { content: "score "; color: var(--muted); }
  .cases .reasons { flex-basis: 100%; min-width: 0; }
}
@media print {
  body { background: none; }
  figure, .tile { break-inside: avoid; }
}
)css";

}  // namespace paywarden

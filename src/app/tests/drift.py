#!/usr/bin/env python3
"""Drift on the running program: days as the model was trained on raise no alarm; a day with all amounts tenfold does, once and across a
restart, with figures that are counted again here and by `evaluate --model`. Precision and recall by labels against a recount, once a day's labels are due.

  drift.py PROGRAM PROJECT_ROOT
"""
import collections
import datetime
import hashlib
import json
import math
import os
import pathlib
import shutil
import tempfile
import time
import urllib.request

from program import Server, configuration, copy_demo, fail, keys_of, paywarden

HISTORY_DAYS = 42
LEVEL = 0.25


def split_by_day():
    days = collections.defaultdict(list)
    for line in pathlib.Path("all.ndjson").read_text().splitlines():
        payment = json.loads(line)
        days[payment["event_time"][:10]].append(payment)
    return [days[day] for day in sorted(days)]


def write(name, payments):
    pathlib.Path(name).write_text("".join(json.dumps(p) + "\n" for p in payments))


def make_files():
    copy_demo()
    configuration("drift.toml", {"../var/demo/model": "model", "\nrate = ": "\nrate = 0 # ", 'label_delay = "7d"': 'label_delay = "2d"'},
                  '\n[data]\ndirectory = "data"\ndisk_free_min = "64MiB"\n[api]\ndeadline = "20s"\n')
    paywarden("simulate", "--payments", "90000", "--customers", "1000", "--out", "all.ndjson")
    days = split_by_day()
    write("history.ndjson", [p for day in days[:HISTORY_DAYS] for p in day])
    paywarden("train", "--config", "drift.toml", "--data", "history.ndjson", "--out", "model")
    paywarden("backfill", "--config", "drift.toml", "--data", "history.ndjson")
    keys = keys_of("drift.toml", "intake", "observer", "reader", "admin")
    pathlib.Path("admin.key").write_text(keys["admin"])
    pathlib.Path("password").write_text("drift is what it is\n")
    paywarden("user", "add", "--config", "drift.toml", "--name", "ann", "--role", "analyst", "--password-file", "password")
    return days[HISTORY_DAYS:], keys


class DriftServer(Server):
    def __init__(self, keys):
        self.keys = keys
        super().__init__("drift.toml")

    def ask(self, path, body=None, role=None, headers=None):
        headers = dict(headers or {})
        if role:
            headers["Authorization"] = "Bearer " + self.keys[role]
        if body is not None:
            headers.setdefault("Content-Type", "application/x-ndjson")
        request = urllib.request.Request(self.url + path, data=body, headers=headers)
        with urllib.request.urlopen(request, timeout=120) as answer:
            return answer.read().decode(), answer.headers

    def pay(self, payments):
        """Batches of 500: what became of each, in order."""
        decisions = []
        for i in range(0, len(payments), 500):
            body = "".join(json.dumps(p) + "\n" for p in payments[i:i + 500]).encode()
            lines = [json.loads(line) for line in self.ask("/v1/payments:batch", body, "intake")[0].splitlines()]
            decisions += [line["decision"] for line in lines if "decision" in line]
        if len(decisions) != len(payments):
            fail(f"{len(decisions)} decisions of {len(payments)}")
        return decisions

    def say(self, labels):
        body = "".join(json.dumps({"payment_id": id, "is_fraud": fraud}) + "\n" for id, fraud in labels).encode()
        self.ask("/v1/labels:batch", body, "intake")

    def metrics(self):
        text, _ = self.ask("/metrics", role="observer")
        return {line.rsplit(" ", 1)[0]: float(line.rsplit(" ", 1)[1]) for line in text.splitlines() if line and line[0] != "#"}

    def alerts(self):
        body = json.dumps({"user": "ann", "password": "drift is what it is"}).encode()
        headers = {"Content-Type": "application/json", "X-Paywarden-Request": "1"}
        cookie = {"Cookie": self.ask("/api/session", body, headers=headers)[1]["Set-Cookie"].split(";")[0]}
        ids, before = [], ""
        while before is not None:
            page = json.loads(self.ask(f"/api/alerts?limit=200{before}", headers=cookie)[0])
            ids += [a["id"] for a in page["alerts"] if a["kind"] == "system"]
            before = f"&before={page['next']}" if page["next"] else None
        return [json.loads(self.ask(f"/api/alerts/{id}", headers=cookie)[0]) for id in ids]

    def decision(self, id):
        return json.loads(self.ask(f"/v1/decisions/{id}", role="reader")[0])


def day_of(seconds):
    return datetime.datetime.fromtimestamp(seconds, datetime.timezone.utc).strftime("%Y-%m-%d")


def psi_of_score(scores):
    reference = json.loads(pathlib.Path("model/bundle.json").read_text())["reference"]["score"]
    counts = [0] * len(reference["shares"])
    for score in scores:
        counts[sum(edge < score for edge in reference["edges"])] += 1
    pairs = [(max(n / len(scores), 1e-4), max(share, 1e-4)) for n, share in zip(counts, reference["shares"])]
    return sum((a - e) * math.log(a / e) for a, e in pairs)


def check(name, got, expected, tolerance=1e-5):
    if got is not None and math.isnan(got) and math.isnan(expected):
        return
    if got is None or not abs(got - expected) <= tolerance * max(1, abs(expected)):
        fail(f"{name} is {got}, counted again {expected}")


def wait_for_alert(server):
    for _ in range(100):
        if server.alerts():
            return
        time.sleep(0.2)
    fail("no alert of the drift is in the notification center")


def check_labels(server, days, decided):
    """Of the first day: its frauds, three payments more that were approved and five that were not; one word is taken back."""
    alerted = {d["payment_id"] for d in decided if d["outcome"] != "approve"}
    frauds = {p["payment_id"] for p in days[0] if p["is_fraud"]}
    frauds |= {d["payment_id"] for d in [d for d in decided if d["outcome"] == "approve"][:3]} | set(sorted(alerted)[:5])
    taken_back = min(frauds & alerted)
    server.say([(id, True) for id in sorted(frauds)] + [(taken_back, False)])
    frauds.discard(taken_back)
    server.pay(days[1] + days[2])
    if "paywarden_label_recall" in server.metrics():
        fail("a day counts before its labels are due")
    server.pay(days[3][:1])
    metrics = server.metrics()
    date = days[0][0]["event_time"][:10]
    if day_of(metrics["paywarden_label_day_seconds"]) != date:
        fail("the labels' day is another")
    precision, recall = len(frauds & alerted) / len(alerted), len(frauds & alerted) / len(frauds)
    for name, value in (("precision", precision), ("recall", recall), ("frauds", len(frauds))):
        check(name, metrics[f"paywarden_label_{name}"], value)
    print(f"labels of {date}: precision {precision:.3f} of {len(alerted)} alerts, recall {recall:.3f} of {len(frauds)} frauds")


def check_normal(server, day, next_day):
    """Its first payment has been sent."""
    scores = [server.decision(day[0]["payment_id"])["score"]] + [d["score"] for d in server.pay(day[1:])]
    server.pay(next_day[:1])
    time.sleep(6)  # the watch looks every 5 s
    metrics = server.metrics()
    if metrics["paywarden_drift_known"] != 1 or day_of(metrics["paywarden_drift_day_seconds"]) != day[0]["event_time"][:10]:
        fail("the last finished day is not that of the metrics")
    check("the day's payments", metrics["paywarden_drift_payments"], len(day))
    check("the score's PSI", metrics['paywarden_drift_psi{of="score"}'], psi_of_score(scores))
    if server.alerts():
        fail(f"an alert at days as always: {server.alerts()[0]['detail']}")
    show("a day as always", metrics)


def show(what, metrics):
    figures = {name[24:-2]: psi for name, psi in metrics.items() if name.startswith("paywarden_drift_psi{")}
    print(f"{what}: PSI " + ", ".join(f"{of} {figures[of]:.3f}" for of in ("score", "amount_value", "card_count_24h", "card_age", "weekday")))


def check_shifted(server, day, next_day):
    """Its first payment has been sent as it was; all others are tenfold."""
    shifted = [{**p, "amount": f"{10 * float(p['amount']):.2f}"} for p in day[1:]]
    server.pay(shifted)
    if server.metrics()['paywarden_drift_psi_today{of="amount_value"}'] <= LEVEL:
        fail("the day's drift so far does not show")
    time.sleep(6)
    if server.alerts():
        fail("an alert before the day is over")
    server.pay(next_day[:10])
    wait_for_alert(server)
    metrics, date = server.metrics(), day[0]["event_time"][:10]
    show(f"{date}, amounts tenfold", metrics)
    if metrics['paywarden_drift_psi{of="amount_value"}'] <= LEVEL:
        fail("the amounts' drift does not show")
    alert = server.alerts()[0]
    if date not in alert["title"] or "amount_value" not in alert["detail"] or "weekday" in alert["detail"]:
        fail(f"the alert says: {alert}")
    print(f"alert: {alert['title']}. {alert['detail']}")
    events = [json.loads(line) for line in pathlib.Path("server.log").read_text().splitlines() if '"event":"drift"' in line]
    if [e["day"] for e in events if e["level"] == "warning"] != [date]:
        fail(f"the log says: {events}")
    return metrics


def check_report(metrics, days):
    """The same payments replayed: features that know of no label have the same figures to the last."""
    with open("sent.ndjson", "w") as file:
        file.writelines(pathlib.Path("history.ndjson").read_text())
        for i, day in enumerate(days[:5]):
            tenfold = [p if i < 4 or k == 0 else {**p, "amount": f"{10 * float(p['amount']):.2f}"} for k, p in enumerate(day)]
            file.writelines(json.dumps(p) + "\n" for p in tenfold)
    since = days[0][0]["event_time"][:10] + "T00:00:00Z"
    paywarden("replay", "--config", "drift.toml", "--model", "model", "--data", "sent.ndjson", "--out", "out.ndjson", "--from", since, "--no-reasons")
    arguments = ("evaluate", "--config", "drift.toml", "--decisions", "out.ndjson", "--data", "sent.ndjson", "--out", "report", "--from", since, "--model")
    paywarden(*arguments, "model")
    drift = json.loads(pathlib.Path("report/metrics.json").read_text())["drift"]
    if [d["payments"] for d in drift["days"]] != [len(day) for day in days[:5]]:
        fail("the report's days are others")
    for of in ("amount_value", "hour", "card_count_24h", "card_amount_mean_7d", "card_age"):
        check(f"{of} in the report", drift["days"][4]["psi"][of], metrics[f'paywarden_drift_psi{{of="{of}"}}'])
    if "<h2>Drift</h2>" not in pathlib.Path("report/report.html").read_text():
        fail("the report draws no drift")
    shutil.copytree("model", "bare")
    bundle = pathlib.Path("bare/bundle.json").read_text()
    pathlib.Path("bare/bundle.json").write_text(bundle[:bundle.index(',"reference":')] + "}\n")  # it stands last
    pathlib.Path("bare/SHA256SUMS").write_text("".join(
        f"{hashlib.sha256(pathlib.Path('bare', name).read_bytes()).hexdigest()}  {name}\n" for name in ("bundle.json", "model.json")))
    said = paywarden(*arguments, "bare", told=True)
    if "does not say what it was trained on" not in said or "drift" in json.loads(pathlib.Path("report/metrics.json").read_text()):
        fail(f"a bundle without a reference: {said}")
    print("evaluate --model: the same figures as the running program's")


def check_restart(server, metrics, end):
    end(server)
    server = DriftServer(server.keys)
    again = server.metrics()
    for name, value in metrics.items():
        if name.startswith(("paywarden_drift", "paywarden_label_")):
            check(f"after a restart {name}", again.get(name), value)
    time.sleep(6)
    if len(server.alerts()) != 1 or pathlib.Path("server.log").read_text().count('"event":"drift"') != metrics["told"]:
        fail(f"{len(server.alerts())} alerts after a restart, or the log says it again")
    return server


def check_bare(server):
    """A model of before: that drift is not known is said, and no figures are left."""
    paywarden("model", "promote", "--url", server.url, "--key-file", "admin.key", "--model", "bare", "--reason", "a test")
    time.sleep(6)
    metrics = server.metrics()
    if metrics["paywarden_drift_known"] != 0 or any(name.startswith("paywarden_drift_psi") for name in metrics):
        fail("drift is known of a model without a reference")
    if '"event":"drift_unknown"' not in pathlib.Path("server.log").read_text():
        fail("the log does not say that drift is unknown")
    print("a model of before: drift is unknown, and said so")


with tempfile.TemporaryDirectory() as work:
    os.chdir(work)
    days, keys = make_files()
    server = DriftServer(keys)
    try:
        check_labels(server, days, server.pay(days[0]))
        check_normal(server, days[3], days[4])
        metrics = check_shifted(server, days[4], days[5])
        check_report(metrics, days)
        metrics["told"] = pathlib.Path("server.log").read_text().count('"event":"drift"')
        server = check_restart(server, metrics, DriftServer.end)  # killed: what was told is saved
        server = check_restart(server, metrics, DriftServer.stop)
        print("after a kill and a restart: the same figures, no second alert")
        check_bare(server)
        server.stop()
    finally:
        server.end()

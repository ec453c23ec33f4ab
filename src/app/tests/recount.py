"""The figures of `paywarden backtest`, counted again from decisions and what is known of their payments. To be imported.

check(title, got, payments, sides, rates): `got` is the report; `payments` as the simulator writes them, with is_fraud True, False or
None (not known); `sides` are the decisions of the present and of the proposed side in the payments' order, each with the score's review
threshold (a decision may have one of its own, review_at).
"""
import collections
import itertools

from program import fail

PAIRS_MAX = 20  # in a report


def money(payments, rates):
    return sum(round(float(p["amount"]) * rates[p["currency"]], 2) for p in payments)


def side(decided, payments, review_at, rates):
    alerts = [(d, p) for d, p in zip(decided, payments) if d["outcome"] != "approve"]
    missed = [p for d, p in zip(decided, payments) if d["outcome"] == "approve" and p["is_fraud"]]
    caught = [p for d, p in alerts if p["is_fraud"]]
    known = sum(p["is_fraud"] is not None for _, p in alerts)
    return {
        "alerts": len(alerts),
        "alerts_a_day_max": max(collections.Counter(p["event_time"][:10] for _, p in alerts).values()),
        "reviews": sum(d["outcome"] == "review" for d in decided),
        "declines": sum(d["outcome"] == "decline" for d in decided),
        "frauds_caught": len(caught),
        "frauds_missed": len(missed),
        "frauds_declined": sum(d["outcome"] == "decline" and bool(p["is_fraud"]) for d, p in alerts),
        "money_caught": money(caught, rates),
        "money_missed": money(missed, rates),
        "precision": len(caught) / known if known else None,
    }


def check_rules(name, got, decided, payments, review_at):
    rules = collections.defaultdict(lambda: [0, 0, 0, 0])
    pairs = collections.defaultdict(lambda: [0, 0])
    for d, p in zip(decided, payments):
        for rule in d["rules"]:
            rules[rule][0] += 1
            rules[rule][1] += bool(p["is_fraud"])
            rules[rule][2] += d["outcome"] != "approve" and d["rules"] == [rule] and d["score"] < d.get("review_at", review_at)
            rules[rule][3] += p["is_fraud"] is not None
        for pair in itertools.combinations(sorted(d["rules"]), 2):
            pairs[pair][0] += 1
            pairs[pair][1] += bool(p["is_fraud"])
    for rule in got["rules"]:
        hits, frauds, alone, known = rules.pop(rule["name"], [0, 0, 0, 0])
        if [rule["hits"], rule["frauds"], rule["alone"]] != [hits, frauds, alone]:
            fail(f"{name}: {rule}, counted again {hits}, {frauds}, {alone}")
        compare(f"{name}: {rule['name']}", {"precision": frauds / known if known else None}, rule)
    if rules:
        fail(f"{name}: rules that fired are not told of: {dict(rules)}")
    hits = {rule["name"]: rule["hits"] for rule in got["rules"]}
    strongest = sorted(pairs, key=lambda pair: (-pairs[pair][0], pair))[:PAIRS_MAX]
    if got["rule_pairs_overlapping"] != len(pairs) or [(p["first"], p["second"]) for p in got["rule_pairs"]] != strongest:
        fail(f"{name}: pairs {got['rule_pairs']}, counted again {dict(pairs)}")
    for pair in got["rule_pairs"]:
        names = pair["first"], pair["second"]
        if [pair["payments"], pair["frauds"]] != pairs[names]:
            fail(f"{name}: {pair}, counted again {pairs[names]}")
        compare(name, {"of_first": pair["payments"] / hits[names[0]], "of_second": pair["payments"] / hits[names[1]]}, pair)
    return len(pairs)


def compare(name, expected, got):
    for key, value in expected.items():
        tolerance = 0.01 if "money" in key else 1e-6  # a cent a currency's rounding
        if value is None or got[key] is None:
            if value is not got[key]:
                fail(f"{name}: {key} is {got[key]}, counted again {value}")
        elif abs(got[key] - value) > tolerance * max(1, abs(value) / 1000):
            fail(f"{name}: {key} is {got[key]}, counted again {value}")


def check(title, got, payments, sides, rates):
    changes = collections.Counter((a["outcome"], b["outcome"]) for a, b in zip(sides[0][0], sides[1][0]))
    for cell in got["changed"]:
        if changes[cell["present"], cell["proposed"]] != cell["payments"]:
            fail(f"{title}: {cell}, counted again {changes}")
    pairs = []
    for name, (decided, review_at) in zip(("present", "proposed"), sides):
        compare(f"{title}: {name}", side(decided, payments, review_at, rates), got[name])
        pairs.append(check_rules(f"{title}: {name}", got[name], decided, payments, review_at))
    new = [p for a, b, p in zip(sides[0][0], sides[1][0], payments) if p["is_fraud"] and (a["outcome"] == "approve") > (b["outcome"] == "approve")]
    known = sum(p["is_fraud"] is not None for p in payments)
    compare(title, {"payments": len(payments), "truth_known": known, "frauds_newly_caught": len(new), "money_newly_caught": money(new, rates)}, got)
    moved = sum(count for (a, b), count in changes.items() if a != b)
    print(f"{title}: {len(payments)} payments, {moved} decided otherwise, of {known} the truth is known, frauds caught "
          f"{got['present']['frauds_caught']} -> {got['proposed']['frauds_caught']}; pairs of rules {pairs}")
    if moved == 0:
        fail(f"{title}: nothing is decided otherwise, so the comparison says little")

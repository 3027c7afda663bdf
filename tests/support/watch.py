"""The cases of alarms (tests/data/watch/rules.yml), as `promtool test rules` takes them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parents[2]
RULES = ROOT / "roles/watcher/templates/etc/prometheus/rules.yml.j2"
CASES = ROOT / "tests/data/watch/rules.yml"
KINDS = ("rings", "silent", "missing")


def groups() -> list[dict[str, Any]]:
    """The groups of rules, without Ansible's lines."""
    lines = [line for line in RULES.read_text("utf-8").splitlines() if not line.startswith(("{{ ", "{%"))]
    found: list[dict[str, Any]] = yaml.safe_load("\n".join(lines))["groups"]
    return found


def rules() -> dict[str, dict[str, Any]]:
    """The alarms by name."""
    return {rule["alert"]: rule for group in groups() for rule in group["rules"] if "alert" in rule}


def cases() -> dict[str, dict[str, dict[str, Any]]]:
    """The cases by alarm and kind."""
    found: dict[str, dict[str, dict[str, Any]]] = yaml.safe_load(CASES.read_text("utf-8"))
    return found


def expected(rule: Mapping[str, Any], case: Mapping[str, Any]) -> dict[str, Any]:
    """The alarm that rings: its labels and annotations."""
    annotations = {**rule["annotations"], "summary": case["summary"]}
    return {"exp_labels": {**rule["labels"], **case["labels"]}, "exp_annotations": annotations}


def tests(name: str, rule: Mapping[str, Any], kinds: Mapping[str, Mapping[str, Any]]) -> Iterator[dict[str, Any]]:
    """The tests of one alarm. Whether another rings instead is seen by the series ALERTS."""
    for kind in KINDS:
        case = kinds[kind]
        if "series" not in case:
            continue
        test: dict[str, Any] = {
            "name": f"{name}: {kind}",
            "interval": case.get("every", "1m"),
            "input_series": [{"series": one, "values": str(values)} for one, values in case["series"].items()],
        }
        look = {"eval_time": case["at"]}
        other = case.get("instead", "")
        if kind == "rings":
            test["alert_rule_test"] = [{**look, "alertname": name, "exp_alerts": [expected(rule, case)]}]
        if other != name and kind != "rings":
            test["alert_rule_test"] = [{**look, "alertname": name, "exp_alerts": []}]
        if other:
            ringing = f'count(ALERTS{{alertname="{other}", alertstate="firing"}}) > bool 0'
            test["promql_expr_test"] = [{**look, "expr": ringing, "exp_samples": [{"labels": "{}", "value": 1}]}]
        yield test


def documents() -> Iterator[tuple[str, str]]:
    """Files for `promtool test rules`, by name: for each alarm and interval its rules, and `….test.yml`.

    A file has the alarms that its tests name alone, and is evaluated as often as its series come: a case may last for
    months, and promtool evaluates every rule each time.
    """
    known, all_cases = rules(), cases()
    for name, rule in known.items():
        made: dict[str, list[dict[str, Any]]] = {}
        for test in tests(name, rule, all_cases[name]):
            made.setdefault(test["interval"], []).append(test)
        wanted = {name, *(case.get("instead", name) for case in all_cases[name].values())}
        for every, found in made.items():
            stem = f"{name}-{every}"
            kept = [
                {**group, "rules": [one for one in group["rules"] if one.get("alert") in wanted or "record" in one]}
                for group in groups()
            ]
            yield f"{stem}.rules.yml", yaml.safe_dump({"groups": [group for group in kept if group["rules"]]})
            test = {
                "rule_files": [f"{stem}.rules.yml"],
                "evaluation_interval": "15s" if every == "1m" else every,
                "tests": found,
            }
            yield f"{stem}.test.yml", yaml.safe_dump(test, sort_keys=False)

"""Whoever scrapes /metrics: what they read, and whether an alarm's condition holds of it."""

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from operator import gt, lt
from typing import Any

import httpx2
from prometheus_client.openmetrics.parser import text_string_to_metric_families

from tests.harness.network import Network
from tests.harness.processes import free_port

ACCEPT = {"Accept": "application/openmetrics-text; version=1.0.0"}
NUMBERS: dict[str, Callable[[list[float]], float]] = {"max": max, "min": min, "sum": sum}


@dataclass(frozen=True)
class Sample:
    """One value, with the labels that it has."""

    name: str
    labels: tuple[tuple[str, str], ...]
    value: float


def with_metrics(network: Network, **env: str) -> dict[str, str]:
    """Gives every service of a network that has not begun a port for its metrics: where each is."""
    found = {}
    for name in network.modules:
        port = free_port()
        more = {"METRICS_PORT": str(port), "METRICS_EVERY": "0.3", **env}
        network.modules[name] = network.module(name, **more)
        found[name] = f"http://127.0.0.1:{port}/metrics"
    return found


async def scrape(addresses: Iterable[str]) -> tuple[list[Sample], str]:
    """What all of them say, held to OpenMetrics, and the text itself."""
    samples, texts = [], []
    async with httpx2.AsyncClient(trust_env=False, timeout=20) as http:
        for address in addresses:
            answer = await http.get(address, headers=ACCEPT)
            assert answer.status_code == HTTPStatus.OK
            assert answer.headers["Content-Type"].startswith("application/openmetrics-text")
            texts.append(answer.text)
            families: Any = text_string_to_metric_families(answer.text)  # type: ignore[no-untyped-call]
            for family in families:
                samples += [
                    Sample(s.name, tuple(sorted(s.labels.items())), s.value) for s in family.samples
                ]
    return samples, "\n".join(texts)


def values(samples: Sequence[Sample], selector: str) -> list[float]:
    """Those that `name` or `name{label="value"}` selects."""
    found = re.fullmatch(r"(\w+)(?:\{(\w+)=\"([\w.]+)\"\})?", selector.strip())
    assert found, selector
    name, label, value = found.groups()
    return [
        s.value for s in samples if s.name == name and (not label or (label, value) in s.labels)
    ]


def holds(expression: str, now: Sequence[Sample], before: Sequence[Sample]) -> bool:
    """Whether the condition of an alarm holds; of the forms that our rules have and no other."""
    for part in expression.split(" or absent("):
        if found := re.fullmatch(r"(?:absent\()?([\w{}=\".]+)\)", part):
            if not values(now, found[1]):
                return True
        elif found := re.fullmatch(r"sum\((.+)\) > \(sum\(\1 offset 1h\) or vector\(0\)\)", part):
            if sum(values(now, found[1])) > sum(values(before, found[1])):
                return True
        elif found := re.fullmatch(r"(max|min|sum)\(([^()]+)\) ([<>]) (\d+)", part):
            several = values(now, found[2])
            compare = gt if found[3] == ">" else lt
            if several and compare(NUMBERS[found[1]](several), float(found[4])):
                return True
        else:
            raise AssertionError(f"no form that is known: {part}")
    return False

"""What `benchmarks.way` prints."""

import statistics
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence

from benchmarks.counting import DRIVER, KINDS, Call

Rates = Mapping[Call, float]
COLUMNS = {name: max(len(name) + 2, 8) for name in (*KINDS, "sum", DRIVER)}
LEAST = 0.05  # a smaller number would be printed as nothing


def say(line: str = "") -> None:
    print(line, flush=True)


def asked(rates: Rates) -> float:
    """All calls of the services, without the driver's own."""
    return sum(n for call, n in rates.items() if call.kind != DRIVER)


def call_table(rates: Rates, *, by_collection: bool = False) -> None:
    """One line for each service, or each of its collections, and one for all of them."""
    say(f"{'':<28}" + "".join(f"{name:>{wide}}" for name, wide in COLUMNS.items()))
    rows: dict[str, dict[str, float]] = defaultdict(lambda: defaultdict(float))
    for call, n in sorted(rates.items()):
        label = f"{call.service}.{call.collection}" if by_collection else call.service
        if not by_collection or (call.collection and call.kind != DRIVER):
            rows[label][call.kind] += n
    for label, row in rows.items():
        if not by_collection or sum(row.values()) >= LEAST:
            say(_call_row(label, row))
    if not by_collection:
        say(_call_row("all", {kind: _of_kind(rates, kind) for kind in (*KINDS, DRIVER)}))


def _of_kind(rates: Rates, kind: str) -> float:
    return sum(n for call, n in rates.items() if call.kind == kind)


def _call_row(label: str, row: Mapping[str, float]) -> str:
    cells = {**row, "sum": sum(row.get(kind, 0.0) for kind in KINDS)}
    numbers = {name: cells.get(name, 0.0) for name in COLUMNS}
    texts = {name: f"{n:.1f}" if abs(n) >= LEAST else "·" for name, n in numbers.items()}
    return f"{label:<28}" + "".join(f"{texts[name]:>{wide}}" for name, wide in COLUMNS.items())


def latency_table(rows: Mapping[str, Collection[float]]) -> None:
    """Milliseconds; the values are seconds."""
    say(f"{'':<28}{'count':>8}{'p50':>10}{'p95':>10}{'max':>10}")
    for label, took in rows.items():
        ordered = sorted(1000 * seconds for seconds in took)
        parts = (statistics.median(ordered), ordered[int(len(ordered) * 0.95)], ordered[-1])
        say(f"{label:<28}{len(ordered):>8}" + "".join(f"{part:>10.1f}" for part in parts))


def cpu_table(
    idle: Mapping[str, float], busy: Mapping[str, float], took: float, referrals: int
) -> None:
    """`idle` is milliseconds a second; `busy` is milliseconds in all of the time it took."""
    say(f"{'':<28}{'idle, a second':>16}{'a referral':>16}{'without idle':>16}")
    rows = {name: (idle[name], busy[name] / referrals) for name in busy}
    ours = [row for name, row in rows.items() if name != "benchmark"]
    rows["all but the benchmark"] = (sum(i for i, _ in ours), sum(b for _, b in ours))
    for name, (a_second, a_referral) in rows.items():
        without = a_referral - a_second * took / referrals
        say(f"{name:<28}{a_second:>16.1f}{a_referral:>16.1f}{without:>16.1f}")


def event_line(types: Mapping[str, int], referrals: int) -> None:
    """How many events of each type came of one referral."""
    each = (f"{name} {n / referrals:g}" for name, n in sorted(types.items()))
    say(f"events for one referral: {', '.join(each)}")


def warning_lines(found: Mapping[str, int]) -> None:
    """What the logs complain of, since the network was started."""
    for warning, n in sorted(found.items()):
        say(f"logged {n} times by {warning}")


def growth_line(marks: Sequence[tuple[float, float]], idle: float) -> None:
    """Whether later referrals cost more calls. A mark is a time and all calls until then; the
    first is before the first referral, and there is one after each."""
    some = max(1, (len(marks) - 1) // 4)

    def mean(first: int, last: int) -> float:
        (began, before), (ended, after) = marks[first], marks[last]
        return (after - before - idle * (ended - began)) / some

    early, late = mean(0, some), mean(len(marks) - 1 - some, len(marks) - 1)
    say(f"calls for one referral: the first {some} took {early:.1f}, the last {some} {late:.1f}")

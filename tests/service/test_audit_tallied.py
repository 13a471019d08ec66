"""The offline verifier holds tallies against a full export: what lacks is named, and nothing else."""

import json
import random
from pathlib import Path

from services.audit.log.leaf import canonical
from tests.harness.exports import KEY, full, written
from tests.harness.trails import Verdict, verify


def leaf(event_id: str, *tallied: str, service: str = "referral") -> bytes:
    event = {"id": event_id, "source": f"/services/{service}"}
    if event_id.startswith("tally"):
        event |= {"type": "trail.tallied", "data": {"event_ids": list(tallied)}}  # type: ignore[dict-item]
    return canonical({"event": event, "recorded_at": "x"})


def judged(folder: Path, *leaves: bytes) -> Verdict:
    written(folder, full(leaves, (len(leaves),)))
    return verify("tallies", folder, "--key", str(KEY.verifier))


def test_each_event_that_is_lost_is_named_and_no_other(tmp_path: Path) -> None:
    for case in range(25):
        ids = [f"evt_{n}" for n in range(random.randint(1, 30))]
        lost = random.sample(ids, random.randint(0, min(3, len(ids))))
        at = random.randint(0, len(ids))
        kept = [leaf(one) for one in ids if one not in lost]
        first = leaf("tally_1", *ids[:at])
        second = leaf("tally_2", *ids[at:], "tally_1")
        found = judged(tmp_path / str(case), *kept, first, second)

        if lost:
            assert found.code == 2
            assert f"{len(lost)} of {len(ids) + 1} tallied events are missing" in found.said
        else:
            assert found.code == 0
            assert f"all {len(ids) + 1} events that 2 tallies list are entries" in found.said
        assert {one for one in ids if f"{one} of referral" in found.said} == set(lost)


def test_each_entry_that_its_service_never_tallied_is_named_and_no_other(tmp_path: Path) -> None:
    for case in range(25):
        # A tally after each few events; it lists those before it, or leaves the last to the next one.
        leaves, last, late, own = [leaf("tally_0")], "tally_0", list[str](), 0
        for number in range(1, random.randint(3, 6)):
            ids = [f"evt_{own + n}" for n in range(random.randint(0, 5))]
            own += len(ids)
            under_way = ids[len(ids) - random.randint(0, min(1, len(ids))) :]
            listed = [*late, *ids[: len(ids) - len(under_way)], last]
            late, last = under_way, f"tally_{number}"
            leaves += [*map(leaf, ids), leaf(last, *listed)]
        # Whoever speaks as a service must do it before its last tally but one to be found already.
        end = [n for n, each in enumerate(leaves) if b"tally" in each][-2]
        forged = [f"evt_forged_{n}" for n in range(random.randint(0, 3))]
        for one in forged:
            leaves.insert(random.randint(1, end), leaf(one))
            end += 1
        other = [leaf("evt_other", service="notify"), leaf("evt_trail", service="audit")]
        found = judged(tmp_path / str(case), *leaves, *other)

        assert found.code == (2 if forged else 0), found.said
        assert {one for one in forged if f"{one} of referral" in found.said} == set(forged)
        if forged:
            assert f"{len(forged)} entries are in no tally" in found.said


def test_a_tally_that_is_lost_is_missed_and_none_at_all_proves_nothing(tmp_path: Path) -> None:
    found = judged(tmp_path / "lost", leaf("tally_2", "tally_1"))
    assert (found.code, "tally_1 of referral" in found.said) == (2, True)

    none = judged(tmp_path / "none", leaf("evt_1"))
    assert (none.code, "there is no tally" in none.said) == (2, True)
    odd = json.loads(leaf("tally_1"))
    odd["event"]["data"] = {"event_ids": "evt_1"}
    assert judged(tmp_path / "odd", canonical(odd)).code == 2

"""What enters the trail does not depend on how events come: repeated, changed, in whatever batches."""

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from services.audit.log.batch import Batch
from services.audit.log.leaf import canonical
from services.audit.recordable import OURS, UNKNOWN, by_itself
from shared.events.catalogue import event_types
from tests.harness.trails import body

AT = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)

# Few events of few contents, so that the same comes again, and another under the same id.
bodies = st.one_of(
    st.builds(
        lambda number, urgency: body(number, urgency=urgency),
        st.integers(0, 3),
        st.sampled_from(("immediate", "same_day", "one_working_day")),
    ),
    st.sampled_from((b"{", b"[]")),
)


def entered(batches: Sequence[Sequence[bytes]]) -> list[str]:
    """The ids of the entries, in order, as the writer finds them."""
    stored: dict[str, bytes] = {}
    ids: list[str] = []
    for raw in batches:
        batch = Batch(raw, AT, held=False)
        known = {i: stored[i] for i in batch.ids() if i in stored}
        known |= {i: stored[i] for i in batch.conflicts(known) if i in stored}
        for leaf in batch.new(known):
            assert leaf.entry_id not in stored, "nothing enters twice"
            stored[leaf.entry_id] = leaf.raw
            ids.append(leaf.entry_id)
    return ids


@given(st.lists(bodies, max_size=12), st.data())
def test_the_same_events_in_other_batches_are_the_same_entries(
    raw: list[bytes], data: st.DataObject
) -> None:
    cuts = sorted(data.draw(st.sets(st.integers(0, len(raw)))) | {0, len(raw)})
    batches = [raw[start:stop] for start, stop in pairwise(cuts)]

    assert entered(batches) == entered([raw])


@given(st.lists(bodies, max_size=12))
def test_every_content_is_in_the_trail_once_and_the_first_of_an_id_as_it_came(
    raw: list[bytes],
) -> None:
    leaves = Batch(raw, AT, held=False).new({})

    contents = {canonical(json.loads(b)) if b != b"{" else b for b in raw}
    assert len(leaves) == len(contents)
    for leaf in leaves:
        same_id = [b for b in raw if b not in (b"{", b"[]") and leaf.entry_id in b.decode()]
        if same_id and not leaf.entry_id.startswith("trail:"):
            assert leaf.event == json.loads(same_id[0])


@given(st.lists(bodies, max_size=12))
def test_what_comes_all_over_again_adds_nothing(raw: list[bytes]) -> None:
    assert entered([raw, raw]) == entered([raw])


@given(
    st.sampled_from(("referral_id", "from", "event", "type")),
    st.text(max_size=60) | st.from_regex(OURS),
)
def test_of_a_value_that_somebody_made_up_nothing_is_told(name: str, value: str) -> None:
    said = by_itself(name, value)

    if name == "from":
        assert said == UNKNOWN or datetime.fromisoformat(said or "").tzinfo is UTC
    else:
        assert said is None or OURS.fullmatch(said) or said in event_types()

"""The age of what is not sealed is that of the oldest."""

from services.audit.log.unsealed import MOST, Unsealed


def test_the_age_is_that_of_the_oldest_entry_that_is_not_sealed() -> None:
    now = [0.0]
    unsealed = Unsealed(lambda: now[0])
    assert unsealed.seconds() == 0
    for at, size in ((1.0, 3), (2.0, 5), (3.0, 5), (4.0, 9)):
        now[0] = at
        unsealed.grown(size)
    ages = []
    for size in (2, 3, 4, 5, 9):
        unsealed.sealed(size)
        ages.append(unsealed.seconds())

    assert ages == [3.0, 2.0, 2.0, 0.0, 0.0]


def test_what_is_never_sealed_takes_no_memory_without_end() -> None:
    now = [0.0]
    unsealed = Unsealed(lambda: now[0])
    for size in range(1, MOST + 100):
        unsealed.grown(size)
    now[0] = 7.0

    assert unsealed.seconds() == 7.0
    assert len(unsealed._waiting) == MOST

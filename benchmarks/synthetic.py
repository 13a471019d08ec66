"""Young people who don't exist, no two of them alike: names from lists, birth dates from a calendar."""

import random
from collections.abc import Iterator
from datetime import date, timedelta
from itertools import product

GIVEN = (
    "Aaliyah Adam Aisha Alfie Amelia Amir Archie Beatrix Callum Chloe Connor Daisy Daniel Dylan "
    "Ebony Eleanor Ethan Fatima Finley Freya George Grace Hamza Harriet Hassan Isla Ivan Jack "
    "Jasmine Kacper Keira Leon Lily Logan Maya Megan Mohammed Nadia Niamh Oliver Oscar Poppy "
    "Priya Reuben Rhys Ruby Samuel Sienna Tariq Thomas Tobias Victoria Yusuf Zainab Zofia"
).split()
FAMILY = (
    "Ahmed Akhtar Anderson Bailey Begum Bennett Brown Campbell Chowdhury Clarke Cooper Davies "
    "Edwards Evans Fletcher Foster Graham Green Griffiths Hall Harris Hughes Hussain Iqbal "
    "Jackson Johnson Kaur Kelly Khan Kowalski Lewis Mahmood Marshall Mitchell Moore Murphy "
    "Nowak Okafor Osborne Owen Patel Powell Price Quinn Roberts Robinson Shah Sharma Singh Smith "
    "Taylor Turner Vasquez Walker Ward Watson Williams Wright Young"
).split()
FIRST, LAST = date(2011, 1, 1), date(2018, 12, 31)
MOST = min(len(GIVEN) * len(FAMILY), (LAST - FIRST).days + 1)


def young_people(seed: int) -> Iterator[dict[str, str]]:
    """The `subject` of one referral after the other: `MOST` of them, the same for the same seed.

    All names and all birth dates differ. Some share a name or a year, as people do.
    """
    chance = random.Random(seed)
    names = chance.sample(list(product(GIVEN, FAMILY)), MOST)
    days = chance.sample(range((LAST - FIRST).days + 1), MOST)
    for (given, family), day in zip(names, days, strict=True):
        yield {
            "name": f"{given} {family}",
            "date_of_birth": (FIRST + timedelta(days=day)).isoformat(),
        }

"""docs/intake.md, made from the rules by which a document is read: `make intake-rules`."""

import sys
from pathlib import Path

from services.referral.corrections.request import AmendReferral
from services.referral.reading.generous import Generous
from services.referral.reading.marks import MEANINGS
from services.referral.reading.meanings import (
    ADDED,
    DISABILITIES,
    ETHNICITIES,
    SENT,
    UNDERSTOOD,
    WHOLE_LISTS,
    Instead,
)

PAGE = Path(__file__).parents[2] / "docs" / "intake.md"
HEAD = """\
# What is taken, and how it is read

`make intake-rules` writes this page from the code. It holds for `POST /v1/referrals`, for each line of \
`POST /v1/referrals/batch` and for amendments; why, says decision 1401.

**Strict about types, generous about content.** Nothing that could protect a child is refused for its \
form. What we don't understand is kept as you sent it, encrypted with the referral, for its Hub and for \
you (`submission`, `set_aside` in `GET /v1/referrals/{id}`); the answer has the warning \
`not_understood` and in `marks` says where (a JSON Pointer), why (a code), and which code counts instead \
(`taken_as`). It never quotes what you sent. Read the marks, and correct what you can by an amendment.

## What is refused, with nothing stored

| what | answer |
|---|---|
| no JSON; a member twice in one object (`errors` names it) | `400` |
| more than 1 MiB; in a batch, more than 1,000 lines | `413`, `400` |
| a value of another type: a number for text (`1337212800` for a birth date), text for true or false \
(`"yes"`), text for a number, an object for a list | `422`, each place named |
| more than the list takes of: {whole} | `422` `too_long` |
| a document without any member that says something; an amendment \
that says nothing, or takes away what can only be corrected | `422` |
| an `agency_reference` that a referral of yours has, an `Idempotency-Key` with another body | `409`, `422` |

Nothing else is: no member is needed by itself. Null says as much as a member that is not there; in an \
amendment it removes.

## What counts instead

The careful side: never less urgent, never open to more people.

| place | why | counts as |
|---|---|---|
{instead}
In an amendment only these do; what else is not understood changes nothing:

| place | why | counts as |
|---|---|---|
{added}
Lists in an amendment replace what was there. With a member that is not understood, \
`settings_avoided`, `preferred_times` and `languages` are added to instead, and {lists} stay as they were.

**Consents.** A yes that is not understood whole (who said it, to whom, about what, until when, or any \
member that we don't know) opens nothing: it is set aside, for a practitioner to ask and record. \
Anything else is a no, and counts as widely as it may be meant: to everyone where it does not say to \
whom, about everything where it does not say about what, as the young person's where it does not say \
whose. A yes that is over, or of a time to come, opens nothing; a no of a time to come counts from now.

**A name** that nobody knows is left out (or blank): the young person is `Unknown`, warned of as \
`name_unknown`, and linked to nobody by it. **A birth date** is read in any order in which it can mean \
one day only; `05/06/2012` is the year 2012 (`born_about`), with a mark: nobody guesses between day and \
month. **An `agency_reference`** that is missing or too long is made from the document, the same for \
the same. **NUL**, other control characters and halves of characters are taken out of texts; a member \
whose name has them is set aside.

## What is understood although it is not in our form

A code in other letters, with spaces or hyphens (`Same day`); and, in

| place | what |
|---|---|
{understood}
The ethnicity codes of the children in need census, each in its group: {ethnicities}. Its kinds of \
disability, as `yes` (and `none` as `no`): {disabilities}.

## Marks

| code | meaning |
|---|---|
"""
FORMS: dict[tuple[str | int, ...], str] = {
    ("subject", "date_of_birth"): "`17/05/2012`, `17.5.2012`, `20120517`, `17 May 2012`; in part "
    "`2012-05`, `05/2012`, `May 2012`, `2012`, `05/06/2012`",
    ("subject", "born_about"): "the same",
    ("subject", "ethnicity"): "census codes, as below",
    ("subject", "disability"): "census codes, as below",
    ("background", "first_language"): "tags of BCP 47, as `en-GB`: their language",
    ("people", "*", "date_of_birth"): "as of the young person",
    ("people", "*", "born_about"): "the same",
    (
        "people",
        "*",
        "kind",
    ): "`perpetrator`, `mother`, `guardian`, `brother`, `friend`, `victim` and such words",
    ("languages", "*"): "tags of BCP 47, as `en-GB`: their language",
}


def _place(path: tuple[str | int, ...]) -> str:
    return "/" + "/".join(str(part) for part in path)


def _rows(table: Instead) -> str:
    rows = [(path, why, value) for path, counts in table.items() for why, value in counts.items()]
    return "".join(
        f"| `{_place(path)}` | `{why}` | {f'`{value}`' if value not in ('', {}) else 'nothing said'} |\n"
        for path, why, value in rows
    )


def _lists(model: type[Generous]) -> str:
    return " and ".join(f"`{_place(path)}`" for path in sorted(model.replaced_whole, key=str))


def page() -> str:
    """The page as it should be."""
    groups = ", ".join(f"`{code.upper()}` {group}" for code, group in ETHNICITIES.items())
    values = {
        "whole": ", ".join(f"`{_place(p)}`" for p in sorted(WHOLE_LISTS, key=str)),
        "instead": _rows(SENT),
        "added": _rows(ADDED),
        "lists": _lists(AmendReferral),
        "understood": "".join(f"| `{_place(p)}` | {FORMS[p]} |\n" for p in UNDERSTOOD),
        "ethnicities": groups,
        "disabilities": ", ".join(f"`{code}`" for code in sorted(DISABILITIES)),
    }
    text = HEAD
    for name, value in values.items():
        text = text.replace("{" + name + "}", value)
    return text + "".join(f"| `{code}` | {said} |\n" for code, said in MEANINGS.items())


if __name__ == "__main__":
    PAGE.write_text(page(), "utf-8")
    sys.stdout.write("docs/intake.md\n")

"""docs/import.md, made from the columns and codes by which files are read: `make intake-rules`."""

import sys
from pathlib import Path

from services.referral.imports.census import SEXES
from services.referral.imports.columns import INDICATORS, LISTS, MEMBERS, NUMBER, TEXTS
from services.referral.imports.xml_tree import MAX_DEPTH, MAX_ELEMENTS, MAX_TEXT

PAGE = Path(__file__).parents[2] / "docs" / "import.md"
HEAD = """\
# Referrals from a file

`make intake-rules` writes this page from the code; why it is so, says decision 1407. For a local \
authority or a school with many referrals in a table, or in the return of the children in need census.

```
curl -H "Authorization: Bearer $API_TOKEN" --data-binary @referrals.csv -H "Content-Type: text/csv" \\
  $API_URL/v1/referrals/import
python -m services.referral.imports census.xml    # any size; `--help` says how
```

The route takes 1,000 referrals and 1 MiB; the command sends a larger file in parts, and without `API_URL` \
shows what it would send. Each answers with a JSON line per referral (`line` is that of the file, `status` \
201 or the fault, `warnings` and `marks` as of a batch) and at last the `report`: how many were taken, how \
often each warning and mark came. Every line stands alone. Nothing of one is lost: what no referral has is \
kept as sent, sealed, under `set_aside`, and marked. The same file again doubles nothing, for each referral \
is known by its `agency_reference`. With `?validate_only=true`, or `--validate-only` before the file, \
nothing is stored: each line says what it would be (`status` 200 and `would_be`), the lines before it \
counted, and the report is the one that sending has (decision 1403). How values are read says \
docs/intake.md: an urgency that is missing is `same_day`, so a file of old referrals should say it.

## A table

CSV in UTF-8, with commas, quotes around cells that need them. The first line names the columns: members \
of a referral by their path. A cell that is empty says nothing. A column of another name is kept under \
`table`, as is a number or yes-or-no that is none.

- *texts and codes*: {texts}
- *several in one cell, with semicolons between*: {lists}
- *number*: `{number}`; *`yes` or `no`*: `discussion.discussed`
- `{indicators}`: `code@recency`, with semicolons between, as `missing_episodes@current; older_partner`
- *members of lists*: {members}

| fault of a line | |
|---|---|
| `not_a_line` | no UTF-8, quotes that do not end, or more cells than columns |
| `no_columns`, `column_twice` | of the first line: nothing was read |

## The census

One referral for each `CINdetails` of a `Child`; its `agency_reference` is `cin-` with the `LAchildID` and \
the `CINreferralDate`. There is no name in a census: the young person is `Unknown`, linked to nobody, and \
found by nobody until somebody names them.

| census | referral |
|---|---|
| `LAchildID`, `UPN`, `FormerUPN` | `identifiers` |
| `PersonBirthDate` | `subject.date_of_birth` |
| `Sex`, `GenderCurrent` | `subject.gender`: {sexes} |
| `PersonDeathDate` | `history.died_on` |
| `Ethnicity` | `background.ethnicity_code`, and the group |
| `Disability` | `condition.disabilities`, and `subject.disability` |
| `CINreferralDate` | `history.made_at`, the first moment of the day |
| `ReferralSource` | `referrer.role`, in words |
| `PrimaryNeedCode` | `history.primary_need` |
| `CPPstartDate`, `CPPendDate` of the last plan | `history`, `subject.child_protection_plan` |
| all the rest (assessments, plans, section 47, closure) | `census`, set aside whole |

| fault | |
|---|---|
| `no_referral` | a child without `CINdetails` |
| `not_xml` | the file is broken at that line; what stands before it was read |
| `document_type` | a `DOCTYPE`: entities are never expanded, nothing is fetched |
| `too_deep`, `too_large` | a child of more than {depth} levels, {elements:,} elements or \
{letters:,} letters |
"""


def page() -> str:
    """The whole page."""
    return HEAD.format(
        texts=_names(TEXTS),
        lists=_names(LISTS),
        number=NUMBER,
        indicators=INDICATORS,
        members=_names(MEMBERS),
        depth=MAX_DEPTH,
        elements=MAX_ELEMENTS,
        letters=MAX_TEXT,
        sexes=", ".join(f"`{code}` {own}" for code, own in SEXES.items()),
    )


def _names(names: object) -> str:
    return ", ".join(f"`{name}`" for name in sorted(names))  # type: ignore[call-overload]


if __name__ == "__main__":
    PAGE.write_text(page(), "utf-8")
    sys.stdout.write("docs/import.md\n")

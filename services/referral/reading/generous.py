"""Documents that are taken whatever they say, as long as each member is of its type. Pure.

The first reading is pydantic's. Only where it finds faults the document is read again, each fault
of content taken out and kept beside it; until nothing is left but what we understand."""

import hashlib
import json
from collections.abc import Iterable, Mapping
from typing import Any, ClassVar, Self

from pydantic import (
    ModelWrapValidatorHandler,
    PrivateAttr,
    ValidationError,
    model_validator,
)
from pydantic_core import InitErrorDetails, PydanticCustomError

from services.referral.documents import Incoming
from services.referral.reading.consents import careful, is_consent
from services.referral.reading.marks import Aside, MarkCode, Path, aside, code_of, in_order
from services.referral.reading.meanings import UNCUT, WHOLE_LISTS, Instead, shape, understood
from services.referral.reading.tree import Tree

MAX_ROUNDS = 12


class Generous(Incoming):
    """A document of which nothing is refused for its content. `instead` has what counts where a member
    is missing or not understood; without, it is left out."""

    instead: ClassVar[Instead] = {}
    # Lists that stand as they were where one of their members is not understood.
    replaced_whole: ClassVar[frozenset[Path]] = frozenset()

    _asides: tuple[Aside, ...] = PrivateAttr(())

    @property
    def asides(self) -> tuple[Aside, ...]:
        """What was not taken as it was sent."""
        return self._asides

    def set_aside(self, more: Iterable[Aside]) -> None:
        """With what else was not taken as it was sent. For a copy that nobody has read yet."""
        self._asides = in_order((*self._asides, *more))

    def check(self, sent: Mapping[str, Any]) -> None:
        """Raises `ValueError` where the document as a whole says nothing."""

    @model_validator(mode="wrap")
    @classmethod
    def _read(cls, sent: Any, handler: ModelWrapValidatorHandler[Self]) -> Self:
        if not isinstance(sent, dict):
            return handler(sent)
        try:
            tree = Tree(sent)
        except RecursionError:
            raise PydanticCustomError("too_deep", "Objects within objects, without end.") from None
        for place in tree.unwritable:
            if is_consent(place):  # another agency's id may be what is left
                careful(tree, place[:2], [place])
        found = cls._understood(tree, handler)
        found._asides = in_order(tree.asides)
        found.check(sent)
        return found

    @classmethod
    def _understood(cls, tree: Tree, handler: ModelWrapValidatorHandler[Self]) -> Self:
        for _ in range(MAX_ROUNDS):
            try:
                return handler(tree.whole())
            except ValidationError as error:
                faults = error.errors(include_url=False)
            wrong = [one for one in faults if _is_refused(one, tree, cls.instead)]
            if wrong:
                raise _refused(cls.__name__, wrong, tree)
            _settle(tree, faults, cls)
        raise PydanticCustomError("too_deep", "Faults within faults, without end.")


def _is_refused(fault: Any, tree: Tree, instead: Instead) -> bool:
    """Whether nobody can handle it: a member of another type, a list without end, or nothing at all."""
    code, place = code_of(fault), tree.place(fault["loc"])
    if code is None:
        return True
    if code == "too_many" and place in WHOLE_LISTS:
        return True
    alone = len(place) == 1 and code == "missing" and place != ("agency_reference",)
    return alone and code not in instead.get(place, {})


def _refused(title: str, faults: list[Any], tree: Tree) -> ValidationError:
    lines = [
        InitErrorDetails(
            type=PydanticCustomError(_type(fault), "{msg}", {"msg": fault["msg"]}),
            loc=tree.place(fault["loc"]),
            input=None,
        )
        for fault in faults
    ]
    return ValidationError.from_exception_data(title, lines, hide_input=True)


def _type(fault: Any) -> Any:
    return "string_type" if fault["type"] == "literal_error" else fault["type"]


def _settle(tree: Tree, faults: list[Any], model: type[Generous]) -> None:
    """Take each fault out, or put what counts in its place. Consents are settled each as a whole."""
    faulty: dict[Path, list[Path]] = {}
    for fault in faults:
        place, code = tree.place(fault["loc"]), code_of(fault) or "not_understood"
        if is_consent(place):
            faulty.setdefault(place[:2], []).append(place)
            tree.asides.append(aside(place, code, tree.original(place)))
        else:
            _settle_one(tree, fault, place, code, model)
    for place, members in faulty.items():
        careful(tree, place, members)


def _settle_one(
    tree: Tree,
    fault: Any,
    place: Path,
    code: MarkCode,
    model: type[Generous],
) -> None:
    sent = tree.original(place)
    if said := understood(place, fault):
        member, value, how = said
        tree.take(place)
        tree.put((*place[:-1], member or place[-1]), value)
        tree.asides.append(aside(place, how, sent))
    elif place == ("agency_reference",):
        tree.put(place, _reference(tree, sent))
        tree.asides.append(aside(place, code, sent))
    elif code in (counts := model.instead.get(shape(place), {})):
        value = counts[code]
        tree.put(place, {**value} if isinstance(value, dict) else value)
        told = value if isinstance(value, str) and value else None
        tree.asides.append(aside(place, code, sent, told))
    elif code == "too_long" and shape(place) not in UNCUT:
        tree.put(place, fault["input"][: fault["ctx"]["max_length"]])
        tree.asides.append(aside(place, code, sent))
    elif code == "too_many":
        tree.put(place, tree.get(place)[: fault["ctx"]["max_length"]])
        tree.asides.append(aside(place, code, sent))
    else:
        tree.asides.append(aside(place, code, sent))
        whole = shape(place)[:-1] in model.replaced_whole
        out = place[:-1] if whole or code in ("missing", "none_given") else place
        if out != place:
            tree.asides.append(aside(out, "incomplete", tree.original(out)))
        tree.take(out)


def _reference(tree: Tree, sent: Any) -> str:
    """A reference for who gave none, or one too long: the same for the same, so that a repeat is one."""
    text = json.dumps(sent or tree.sent, sort_keys=True, default=str)
    return f"sent-{hashlib.sha256(text.encode()).hexdigest()[:40]}"

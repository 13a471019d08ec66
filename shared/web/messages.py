"""What is said to each kind of fault of a document: what is wrong, and what is allowed."""

from collections.abc import Mapping

OTHERWISE = "Not as it is asked for here; the OpenAPI document says how."
MESSAGES: Mapping[str, str] = {
    "missing": "This field is needed.",
    "extra_forbidden": "This field is not known here.",
    "literal_error": "Not one of the codes allowed here; the OpenAPI document lists them.",
    "string_too_long": "Too long.",
    "string_too_short": "Too short.",
    "string_type": "Send text.",
    "draft_number": "A number below 2^53.",
    "draft_too_deep": "At most 16 levels.",
    "draft_too_large": "At most 64 KiB as JSON.",
    "bool_type": "Send true or false, without quotes.",
    "int_type": "Send a whole number, without quotes.",
    "date_type": "Send it as text, as in 2012-05-17 or 2012-05-17T09:30:00Z.",
    "tuple_type": "Send a list.",
    "model_type": "Send an object.",
    "model_attributes_type": "Send an object.",
    "too_long": "Too many of them: send the rest by themselves.",
    "too_deep": "Objects within objects, without end.",
    "value_error": "What was sent does not go together; the OpenAPI document says what does.",
    "not_removable": "This can be corrected or added to, not removed.",
}

"""The API description as one page of HTML: no script, nothing from anybody's server. Pure."""

import base64
import hashlib
import json
from collections.abc import Iterator, Mapping
from html import escape
from typing import Any

Document = Mapping[str, Any]
METHODS = ("get", "put", "post", "patch", "delete")
STYLE = (
    "body{font:16px/1.5 system-ui,sans-serif;margin:0 auto;max-width:62rem;padding:1rem}"
    "code,pre{font:14px/1.4 ui-monospace,monospace}pre{overflow:auto;padding:.75rem;background:#f3f3f3;"
    "color:#111}table{border-collapse:collapse;width:100%}td,th{border-bottom:1px solid #ccc;padding:"
    ".3rem .5rem;text-align:left;vertical-align:top}summary{cursor:pointer;padding:.3rem 0}"
    "h2{margin-top:2.5rem}nav a{margin-right:1rem}"
)
# Whatever a text might bring along: nothing is loaded or run, and nobody frames the page.
POLICY = (
    "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; style-src "
    f"'sha256-{base64.b64encode(hashlib.sha256(STYLE.encode()).digest()).decode()}'"
)


def page(document: Document) -> str:
    """The page of an OpenAPI document. Every text in it is shown as text."""
    info, schemas = document["info"], document.get("components", {}).get("schemas", {})
    by_tag = _by_tag(document)
    parts = [
        "<!doctype html><html lang=en><head><meta charset=utf-8>",
        '<meta name=viewport content="width=device-width">',
        f"<title>{escape(info['title'])}</title><style>{STYLE}</style></head><body>",
        f"<h1>{escape(info['title'])}</h1>{_text(info.get('description', ''))}",
        '<p>As a document: <a href="openapi.json">openapi.json</a>.</p><nav>',
        *(f'<a href="#tag-{escape(tag)}">{escape(tag)}</a>' for tag in by_tag),
        '<a href="#schemas">documents</a></nav>',
    ]
    for tag, found in by_tag.items():
        parts.append(f'<h2 id="tag-{escape(tag)}">{escape(tag)}</h2>')
        parts += [_operation(*one) for one in found]
    parts.append('<h2 id="schemas">documents</h2>')
    parts += [_schema(name, schemas[name]) for name in sorted(schemas)]
    return "".join([*parts, "</body></html>"])


def _by_tag(document: Document) -> dict[str, list[tuple[str, str, Document]]]:
    found: dict[str, list[tuple[str, str, Document]]] = {}
    for path, operations in document.get("paths", {}).items():
        for method in METHODS:
            if method in operations:
                tag = next(iter(operations[method].get("tags", ())), "others")
                found.setdefault(tag, []).append((method.upper(), path, operations[method]))
    return dict(sorted(found.items()))


def _operation(method: str, path: str, said: Document) -> str:
    body = said.get("requestBody", {}).get("content", {})
    parts = [
        f'<details id="{escape(said.get("operationId", path))}"><summary><code>{method} '
        f"{escape(path)}</code> {escape(said.get('summary', ''))}</summary>",
        _text(said.get("description", "")),
        _parameters(said.get("parameters", ())),
    ]
    for media, content in body.items():
        parts.append(
            f"<p>Body, <code>{escape(media)}</code>: {_kind(content.get('schema', {}))}</p>"
        )
        parts += _examples(content)
    parts.append("<table><tr><th>answer</th><th></th><th></th></tr>")
    for status, answer in sorted(said.get("responses", {}).items()):
        kinds = {_kind(c.get("schema", {})) for c in answer.get("content", {}).values()}
        told = escape(answer.get("description", ""))
        parts.append(
            f"<tr><td>{escape(status)}</td><td>{told}</td><td>{' '.join(sorted(kinds))}</td></tr>"
        )
    parts.append("</table>")
    for status, answer in sorted(said.get("responses", {}).items()):
        for content in answer.get("content", {}).values():
            parts += [f"<p>{escape(status)}</p>{one}" for one in _examples(content)]
    return "".join([*parts, "</details>"])


def _parameters(parameters: Any) -> str:
    if not parameters:
        return ""
    rows = [
        f"<tr><td><code>{escape(one['name'])}</code></td><td>{escape(one['in'])}"
        f"{', needed' if one.get('required') else ''}</td><td>{_kind(one.get('schema', {}))}</td><td>"
        f"{escape(one.get('description') or one.get('schema', {}).get('description', ''))}</td></tr>"
        for one in parameters
    ]
    return f"<table><tr><th>parameter</th><th></th><th></th><th></th></tr>{''.join(rows)}</table>"


def _schema(name: str, schema: Document) -> str:
    needed = schema.get("required", ())
    rows = [
        f"<tr><td><code>{escape(member)}</code>{' *' if member in needed else ''}</td><td>{_kind(said)}"
        f"</td><td>{escape(said.get('description', ''))}</td></tr>"
        for member, said in schema.get("properties", {}).items()
    ]
    table = f"<table>{''.join(rows)}</table>" if rows else f"<p>{_kind(schema)}</p>"
    told = _text(schema.get("description", ""))
    examples = "".join(_pre(each) for each in schema.get("examples", ()))
    return f'<h3 id="{escape(name)}">{escape(name)}</h3>{told}{table}{examples}'


def _kind(schema: Document) -> str:
    """What a value is, with a link where that is said elsewhere."""
    if "$ref" in schema:
        name = escape(str(schema["$ref"]).rpartition("/")[2])
        return f'<a href="#{name}">{name}</a>'
    for several in ("anyOf", "oneOf", "allOf"):
        if several in schema:
            return " or ".join(dict.fromkeys(_kind(one) for one in schema[several]))
    codes = schema.get("enum") or ([schema["const"]] if "const" in schema else ())
    if codes:
        return ", ".join(f"<code>{escape(str(one))}</code>" for one in codes)
    if schema.get("type") == "array":
        return f"list of {_kind(schema.get('items', {}))}{_limits(schema)}"
    if isinstance(schema.get("additionalProperties"), dict):
        return f"object of {_kind(schema['additionalProperties'])}"
    return escape(str(schema.get("format") or schema.get("type", "anything"))) + _limits(schema)


def _limits(schema: Document) -> str:
    names = (
        "minimum",
        "maximum",
        "minLength",
        "maxLength",
        "minItems",
        "maxItems",
        "pattern",
        "default",
    )
    said = [f"{n} {json.dumps(schema[n])}" for n in names if schema.get(n) is not None]
    return escape(f" ({', '.join(said)})") if said else ""


def _examples(content: Document) -> Iterator[str]:
    given = [content["example"]] if "example" in content else []
    given += [one.get("value") for one in content.get("examples", {}).values()]
    for each in given:
        yield _pre(each)


def _pre(example: Any) -> str:
    text = (
        example if isinstance(example, str) else json.dumps(example, indent=1, ensure_ascii=False)
    )
    return f"<pre>{escape(text)}</pre>"


def _text(text: str) -> str:
    """Paragraphs; what stands between back-ticks is code."""
    paragraphs = [escape(each.strip()) for each in text.split("\n\n") if each.strip()]
    return "".join(f"<p>{_coded(each)}</p>" for each in paragraphs)


def _coded(text: str) -> str:
    parts = text.split("`")
    if len(parts) % 2 == 0:
        return text
    return "".join(f"<code>{p}</code>" if n % 2 else p for n, p in enumerate(parts))

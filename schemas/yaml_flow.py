"""Scalars, keys and flow collections of the part of YAML that ``yaml_subset`` reads."""

from __future__ import annotations

import json
import re
from typing import Any

DEEPEST = 40
_INT = re.compile(r"[-+]?\d[\d_]*\Z")
_FLOAT = re.compile(r"[-+]?(?:\d[\d_]*+(?:\.[\d_]*+)?|\.\d[\d_]*+)(?:[eE][-+]?\d+)?\Z")
_WORDS: dict[str, Any] = {
    "null": None, "~": None, "": None, "true": True, "false": False, "yes": True, "no": False, "on": True, "off": False,
    ".inf": float("inf"), "-.inf": float("-inf"), ".nan": float("nan"),
}  # fmt: skip
_REFUSED = {
    "&": "an anchor",
    "*": "an alias",
    "!": "a tag",
    "?": "a complex key",
    "@": "a reserved sign",
    "`": "a reserved sign",
}


class YamlError(ValueError):
    """A text that is not read; the message is a sentence about it."""


def strip_comment(text: str) -> str:
    """A plain text without the comment behind it."""
    return re.sub(r"(^|\s)#.*\Z", "", text).rstrip()


def plain_value(text: str) -> Any:
    """The value of a plain scalar: null, a truth value, a number or the text itself."""
    if text[:1] in _REFUSED and (text[0] != "?" or text[1:2] in ("", " ")):
        raise YamlError(f"holds {_REFUSED[text[0]]} ({text[:20]!r}), which is not read here")
    folded = text.lower()
    if folded in _WORDS:
        return _WORDS[folded]
    if _INT.match(text):
        return int(text.replace("_", ""))
    if _FLOAT.match(text):
        return float(text.replace("_", ""))
    return text


def unclosed(text: str) -> bool:
    """Whether a bracket or a quote is still open at the end."""
    depth, at = 0, 0
    while at < len(text):
        sign = text[at]
        if sign in "\"'":
            end = _closing(text, at)
            if end < 0:
                return True
            at = end
        elif sign in "[{":
            depth += 1
        elif sign in "]}":
            depth -= 1
        at += 1
    return depth > 0


def _closing(text: str, at: int) -> int:
    """Where the quoted text that begins at ``at`` ends; -1 when it does not."""
    quote, at = text[at], at + 1
    while at < len(text):
        if text[at] == "\\" and quote == '"':
            at += 1
        elif text[at] == quote:
            if quote == "'" and text[at + 1 : at + 2] == "'":
                at += 1
            else:
                return at
        at += 1
    return -1


def unquote(text: str) -> str:
    """The text between quotes."""
    if text[0] == "'":
        return text[1:-1].replace("''", "'")
    try:
        found: str = json.loads(text, strict=False)
    except ValueError as error:
        raise YamlError(f"holds an escape that is not read here: {text[:40]}") from error
    return found


def split_key(text: str) -> tuple[str, str] | None:
    """``key: value`` in two; None where there is no key. An empty value is the empty text."""
    if text[0] in "\"'":
        end = _closing(text, 0)
        rest = text[end + 1 :].lstrip() if end > 0 else ""
        if not rest.startswith(":") or rest[1:2] not in ("", " "):
            return None
        return unquote(text[: end + 1]), strip_comment_before_value(rest[1:])
    if text[0] in "[{":
        return None
    match = re.search(r":(?=\s|\Z)", text)
    key = text[: match.start()].rstrip() if match is not None else ""
    if match is None or not key or key.startswith("#") or " #" in key:
        return None
    plain_value(key)
    return key, strip_comment_before_value(text[match.end() :])


def strip_comment_before_value(text: str) -> str:
    """What follows a key: nothing when only a comment does."""
    text = text.strip()
    return "" if text.startswith("#") else text


def flow(text: str, depth: int) -> Any:
    """A quoted text or a flow collection, with nothing but a comment behind it."""
    value, at = _value(text, 0, depth)
    if strip_comment(" " + text[at:]).strip():
        raise YamlError(f"holds something behind a bracket or a quote: {text[at : at + 20]!r}")
    return value


def _value(text: str, at: int, depth: int) -> tuple[Any, int]:
    at = _blank(text, at)
    if depth > DEEPEST:
        raise YamlError(f"lies more than {DEEPEST} levels deep")
    sign = text[at : at + 1]
    if sign == "[":
        return _list(text, at + 1, depth + 1)
    if sign == "{":
        return _map(text, at + 1, depth + 1)
    if sign and sign in "\"'":
        end = _closing(text, at)
        if end < 0:
            raise YamlError(f"holds a quote that is not closed: {text[at : at + 20]!r}")
        return unquote(text[at : end + 1]), end + 1
    end = _plain_end(text, at)
    return plain_value(text[at:end].strip()), end


def _blank(text: str, at: int) -> int:
    while at < len(text) and text[at] in " \t":
        at += 1
    return at


def _plain_end(text: str, at: int) -> int:
    match = re.compile(r",|\]|\}|:(?=\s|,|\]|\}|\Z)").search(text, at)
    return len(text) if match is None else match.start()


def _list(text: str, at: int, depth: int) -> tuple[list[Any], int]:
    items: list[Any] = []
    while (at := _blank(text, at)) < len(text) and text[at] != "]":
        value, at = _value(text, at, depth)
        items.append(value)
        at = _after(text, at, "]")
    return items, at + 1


def _map(text: str, at: int, depth: int) -> tuple[dict[str, Any], int]:
    pairs: dict[str, Any] = {}
    while (at := _blank(text, at)) < len(text) and text[at] != "}":
        start = at
        key, at = _value(text, at, depth)
        name = key if isinstance(key, str) else text[start:at].strip()
        at = _blank(text, at)
        value = None
        if text[at : at + 1] == ":":
            value, at = _value(text, at + 1, depth)
        pairs[name] = value
        at = _after(text, at, "}")
    return pairs, at + 1


def _after(text: str, at: int, closing: str) -> int:
    """The place behind the comma after an item, or of the closing bracket."""
    at = _blank(text, at)
    sign = text[at : at + 1]
    if sign == ",":
        return at + 1
    if sign != closing:
        raise YamlError(f"holds {text[at : at + 10]!r} where a comma or {closing} is wanted")
    return at

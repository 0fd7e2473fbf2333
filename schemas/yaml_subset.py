"""The part of YAML that people write settings in, read without a library and within limits.

Read are block mappings and sequences, flow ``[]`` and ``{}``, plain and quoted scalars, ``|`` and ``>``, comments, one
document. Anchors, aliases, tags, complex keys and several documents are refused with a sentence: the files that are
read here come from strangers, and what is left out is where YAML is dangerous. Keys are always texts.
"""

from __future__ import annotations

import re
from typing import Any, NoReturn

from schemas.plainfile import FilePath, open_plain
from schemas.yaml_flow import YamlError, flow, plain_value, split_key, strip_comment, unclosed

LONGEST = 1 << 18
"""Bytes of a file that are read; settings are a few kilobytes long."""
LONGEST_ROW = 4096
MOST_ROWS = 200
"""Rows that one collection in brackets, or one quoted text, may take."""
DEEPEST = 40
_BLOCK = re.compile(r"([|>])([+-]?)\s*(?:#.*)?\Z")


def read_yaml(path: FilePath) -> Any:
    """The document in a file; ``YamlError`` (a ValueError) or OSError when it cannot be read."""
    with open_plain(path) as file:
        data = file.read(LONGEST + 1)
    if len(data) > LONGEST:
        raise YamlError(f"is longer than the {LONGEST} bytes that are read")
    return parse_yaml(data.decode("utf-8"))


def parse_yaml(text: str) -> Any:
    """The document of a text; None when it holds nothing."""
    rows = [row for row in text.removeprefix("\ufeff").splitlines() if not row.startswith("%")]
    reader = _Reader(rows)
    value = reader.block(0, 0)
    if reader.peek() is not None:
        reader.fail("does not belong to what stands before it")
    return value


class _Reader:
    """Rows of a document and how far they were read."""

    def __init__(self, rows: list[str]) -> None:
        self.rows, self.at = rows, 0
        found = self.peek()
        if found is not None and found[1] == "---":
            self.at += 1

    def fail(self, reason: str) -> NoReturn:
        raise YamlError(f"is no YAML that is read here: line {self.at + 1} {reason}")

    def peek(self) -> tuple[int, str] | None:
        """Indentation and text of the next row that says something."""
        while self.at < len(self.rows):
            row = self.rows[self.at]
            if len(row) > LONGEST_ROW:
                self.fail(f"is longer than {LONGEST_ROW} characters")
            text = row.strip()
            if text and not text.startswith("#"):
                if text == "...":
                    return None
                indent = len(row) - len(row.lstrip(" "))
                if row[indent] == "\t":
                    self.fail("is indented with a tab")
                return indent, row[indent:].rstrip()
            self.at += 1
        return None

    def block(self, least: int, depth: int) -> Any:
        """What stands from here on, indented by ``least`` or more."""
        if depth > DEEPEST:
            self.fail(f"lies more than {DEEPEST} levels deep")
        found = self.peek()
        if found is None or found[0] < least:
            return None
        indent, text = found
        if text == "-" or text.startswith("- "):
            return self.sequence(indent, depth)
        if split_key(text) is not None:
            return self.mapping(indent, depth)
        self.at += 1
        return self.scalar(text, indent - 1, depth)

    def sequence(self, indent: int, depth: int) -> list[Any]:
        items: list[Any] = []
        while (found := self.peek()) is not None and found[0] == indent:
            text = found[1]
            if text != "-" and not text.startswith("- "):
                break
            self.rows[self.at] = " " * (indent + 1) + text[1:]
            items.append(self.block(indent + 1, depth + 1))
        return items

    def mapping(self, indent: int, depth: int) -> dict[str, Any]:
        pairs: dict[str, Any] = {}
        while (found := self.peek()) is not None and found[0] == indent:
            split = split_key(found[1])
            if split is None:
                self.fail("has no key")
            key, rest = split
            if key in pairs:
                self.fail(f"repeats the key {key!r:.40}")
            self.at += 1
            pairs[key] = self.scalar(rest, indent, depth) if rest else self.below(indent, depth)
        if found is not None and found[0] > indent:
            self.fail("is indented deeper than its neighbours")
        return pairs

    def below(self, indent: int, depth: int) -> Any:
        """The value of a key that stands on the rows after it; a list may stand at the key's own indentation."""
        found = self.peek()
        if found is None or found[0] < indent:
            return None
        if found[0] == indent:
            dash = found[1] == "-" or found[1].startswith("- ")
            return self.sequence(indent, depth + 1) if dash else None
        return self.block(indent + 1, depth + 1)

    def scalar(self, text: str, indent: int, depth: int) -> Any:
        """A value that begins on a row already read; rows indented deeper than ``indent`` may carry it on."""
        block = _BLOCK.match(text)
        if block is not None:
            return self.text_block(indent, folded=block[1] == ">", chomp=block[2])
        if text[0] in "[{\"'":
            begin = self.at
            while unclosed(text):
                if self.at >= len(self.rows) or self.at - begin >= MOST_ROWS:
                    self.fail("ends inside brackets or quotes")
                if len(self.rows[self.at]) > LONGEST_ROW:
                    self.fail(f"is longer than {LONGEST_ROW} characters")
                text += " " + self.rows[self.at].strip()
                self.at += 1
            return flow(text, depth)
        parts = [strip_comment(text)]
        while (found := self.peek()) is not None and found[0] > indent and parts[0]:
            if split_key(found[1]) is not None:
                self.fail("holds a key where a value goes on")
            parts.append(strip_comment(found[1]))
            self.at += 1
        return plain_value(" ".join(parts))

    def text_block(self, indent: int, *, folded: bool, chomp: str) -> str:
        rows: list[str] = []
        while self.at < len(self.rows):
            row = self.rows[self.at]
            if row.strip() and len(row) - len(row.lstrip(" ")) <= indent:
                break
            rows.append(row)
            self.at += 1
        margin = min((len(r) - len(r.lstrip(" ")) for r in rows if r.strip()), default=0)
        lines = [r[margin:] for r in rows]
        if chomp != "+":
            while lines and not lines[-1].strip():
                lines.pop()
        text = " ".join(line.strip() for line in lines) if folded else "\n".join(lines)
        return text if chomp == "-" or not text else text + "\n"

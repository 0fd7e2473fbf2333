"""The page: one HTML file with everything in it, from the files of ``assets`` and ``vendor``.

Nothing of a submission becomes HTML: it stands as JSON in a script element of another type, in which no ``<`` is left
as it is, and the page's code puts it into text nodes. The content security policy names the hash of every script, so
that no other one runs, and forbids every connection.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Mapping
from importlib import resources
from typing import Any

SCRIPTS = (
    "vendor/grid.min.js", "vendor/charts.min.js", "assets/base.js", "assets/state.js", "assets/columns.js",
    "assets/grids.js", "assets/zoom.js", "assets/pictures.js", "assets/result.js", "assets/panels.js", "assets/main.js",
)  # fmt: skip
STYLES = ("assets/page.css",)
TEMPLATE = "assets/page.html"


def html(document: Mapping[str, Any]) -> str:
    """The page of a document ``edgewatt/explorer/1``; the same document gives the same page."""
    return filled(
        _asset(TEMPLATE), document, [_asset(name) for name in SCRIPTS], [_asset(name) for name in STYLES]
    )


def filled(template: str, document: Mapping[str, Any], scripts: list[str], styles: list[str]) -> str:
    """A template with its places ``{{…}}`` filled: ``policy``, ``nonce``, ``styles``, ``data``, ``scripts``."""
    data = escaped(document)
    nonce = hashlib.sha256(data.encode()).hexdigest()[:32]
    parts = {
        "policy": policy(scripts, nonce),
        "nonce": nonce,
        "styles": "\n".join(f'<style nonce="{nonce}">{text}</style>' for text in styles),
        "data": data,
        "scripts": "\n".join(f"<script>{text}</script>" for text in scripts),
    }
    before, *rest = template.split("{{")
    pieces = [before]
    for piece in rest:
        name, _, after = piece.partition("}}")
        pieces += [parts[name], after]
    return "".join(pieces)


def escaped(document: Mapping[str, Any]) -> str:
    """JSON that no HTML parser finds a tag or a comment in, and no reader of JSON another value."""
    text = json.dumps(document, ensure_ascii=True, separators=(",", ":"), allow_nan=False)
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


def policy(scripts: list[str], nonce: str) -> str:
    """The content security policy: these scripts, own styles, nothing from anywhere."""
    hashes = " ".join(f"'sha256-{_digest(text)}'" for text in scripts)
    return (
        f"default-src 'none'; script-src {hashes}; style-src 'nonce-{nonce}'; img-src data: blob:; font-src data:; "
        "base-uri 'none'; form-action 'none'"
    )


def _digest(text: str) -> str:
    return base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


def _asset(name: str) -> str:
    folder, _, file = name.partition("/")
    return (resources.files("checker.explorer") / folder / file).read_text(encoding="utf-8")

"""The JSON Schemas in the form that editors want: facts of a round filled in, fields described, an id, a catalogue."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache
from importlib import resources
from typing import Any

from schemas.documents import load, names, resolve
from schemas.rounds import Round

CATALOGUE = "https://json.schemastore.org/schema-catalog.json"
"""The form in which editors read a list of schemas."""
FACT = "$fact"


@cache
def _hints() -> Mapping[str, Any]:
    path = resources.files("schemas") / "editors.json"
    document: Mapping[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return document


def file_name(name: str) -> str:
    """Name of a published file."""
    return f"{name}.schema.json"


def publish(name: str, round_: Round) -> dict[str, Any]:
    """A schema for editors. Constraints that hang on more than the round are left out."""
    filled = _filled(load(name), round_.facts)
    document: dict[str, Any] = {
        "$schema": filled.pop("$schema"),
        "$id": f"urn:edgewatt:schema:{name}:{round_.name}",
        "title": filled.pop("title", name),
    }
    document["description"] = filled.pop("description", document["title"])
    document |= {key: value for key, value in filled.items() if key != "$id"}
    wanted = _required(document)
    own = document.get("properties", {})
    if wanted and not own:
        document["properties"] = {field: _described(field) for field in wanted}
    return document


def _described(field: str) -> dict[str, Any]:
    """What an editor shows beside a field that it offers."""
    row: dict[str, Any] = {}
    if field in _hints()["fields"]:
        row["description"] = _hints()["fields"][field]
    if field in _hints()["examples"]:
        row["examples"] = _hints()["examples"][field]
    return row


def _required(document: Mapping[str, Any]) -> list[str]:
    """Every field that the document demands at its top."""
    parts = [document, *document.get("allOf", [])]
    return list(dict.fromkeys(field for part in parts for field in part.get("required", [])))


def _filled(schema: Any, facts: Mapping[str, Any]) -> Any:
    """The schema with the facts of the round; what has no such fact is left out."""
    if isinstance(schema, Mapping):
        pairs = ((key, _fact(value, facts)) for key, value in schema.items())
        return {key: value for key, found in pairs for value in found}
    if isinstance(schema, list):
        return [value for item in schema for value in _fact(item, facts)]
    return schema


def _fact(value: Any, facts: Mapping[str, Any]) -> list[Any]:
    """The value filled in, or nothing."""
    if not (isinstance(value, Mapping) and set(value) == {FACT}):
        return [_filled(value, facts)]
    try:
        return list(resolve({"value": value}, facts).values())
    except (KeyError, TypeError):
        return []


def everything(round_: Round) -> dict[str, dict[str, Any]]:
    """Every schema by the name of its file, and the catalogue."""
    found = {file_name(name): publish(name, round_) for name in names()}
    return {**found, "catalog.json": _catalogue(found)}


def _catalogue(found: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    rows = []
    for file, document in found.items():
        name = file.removesuffix(".schema.json")
        row = {"name": document["title"], "description": document["description"], "url": f"./{file}"}
        rows.append(row | ({"fileMatch": _hints()["match"][name]} if name in _hints()["match"] else {}))
    return {"$schema": CATALOGUE, "version": 1, "schemas": rows}

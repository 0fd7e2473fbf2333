"""Cures, found by this folder: a module with ``ORDER`` and ``steps(submission)``, which plans and writes nothing."""

from __future__ import annotations

from checker.changes import Step
from checker.tree import Submission
from schemas.discovery import modules


def plan(submission: Submission) -> list[Step]:
    """Every step of every cure; contents of files first, names last, so that paths stay right."""
    found = sorted(modules(__name__), key=lambda m: m.ORDER)
    return [step for module in found for step in module.steps(submission)]

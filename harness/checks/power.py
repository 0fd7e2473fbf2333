"""The power daemon and its meter: reachable, measuring, on which range, how well at the present load.

Meter, range and uncertainty are judged by ``powerd doctor``, started as a program of its own: how well a
meter measures is powerd's to say.
"""

from __future__ import annotations

import json
import shlex
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from harness.checks.base import Line, Situation, Verdict, fail, ok, told, warn
from harness.checks.port import device
from harness.model import PowerRequest
from harness.power import choose_meter, meter_of
from powerd.client import ClientError, PowerdClient
from schemas.errors import UserError

SUBJECT = "power"
LIMIT_S = 15.0
SETTLE_S = 5.0
"""How long a meter that was found without a range that fits is asked again."""
ANSWER_S = 5.0
"""How long a daemon may take for one answer."""
SPAWNED = "meter"
GOOD_TIE_S = 0.005
"""Uncertainty of the clock tie above which the ends of a window are noticeably uncertain."""
START = "start one with `powerd run --meter NAME=DRIVER:PORT`, and wait until it says where it listens"
SAID = "put right what is said here"
CURES = {
    "meter": "connect a real meter; what an emulated or unknown one measures cannot be submitted",
    "range": "run {doctor} with the system under its usual load",
    "uncertainty": "fix smaller ranges, or use a meter that is made for smaller loads",
    "firmware": "look at the meter's own menu",
    "port": "run `powerd probe` to see what is there",
    "rate": "give a faster line or a longer interval",
    "latency timer": "see what is wanted",
}


def check(situation: Situation) -> Iterator[Line]:
    """Nothing to look at without ``--power``."""
    power = situation.power
    if power is None:
        yield ok(SUBJECT, "not asked for")
    elif power.url is not None:
        yield from _daemon(power, power.url)
    else:
        path = device(power.port or "")
        if path is None or path.exists():
            yield from _settled(["--meter", f"{SPAWNED}={power.driver}:{power.port}"])


def _daemon(power: PowerRequest, url: str) -> Iterator[Line]:
    """A running daemon: it answers, its clock can be tied, its meter measures."""
    try:
        client = PowerdClient(url, timeout_s=ANSWER_S)
        version = client.health().get("version", "of unknown version")
        name = choose_meter(client, url, power.meter)
        meter = client.meter(name)
        tie = client.sync_clock()
    except (ClientError, UserError) as error:
        away = isinstance(error, ClientError) and not error.status
        yield told(SUBJECT, str(error), "a powerd that measures", START if away else SAID)
        return
    yield ok(SUBJECT, f"powerd {version} answers at {url}, meter {name}")
    found = (
        f"the daemon's clock is {1e3 * tie.offset_s:+.3f} ms from ours, known to ± {1e3 * tie.u95_s:.3f} ms"
    )
    if tie.u95_s > GOOD_TIE_S:
        cure = "use a wired network between the two machines"
        yield warn(SUBJECT, found, f"known to ± {1e3 * GOOD_TIE_S:g} ms", cure)
    else:
        yield ok(SUBJECT, found)
    yield from _state(name, meter, url)
    yield from _doctor(["--url", url], name)


def _state(name: str, meter: Mapping[str, Any], url: str) -> Iterator[Line]:
    what = f"{SUBJECT}, {name}"
    if not meter["connected"]:
        reason = str(meter["last_error"] or "no answer yet")
        cure = f"look at the cable, and at what {_doctor_command(['--url', url])} says"
        yield fail(what, f"not connected: {reason}", "a meter that answers", cure)
        return
    samples, bad = int(meter["samples"]), int(meter["bad_samples"])
    if bad:
        watch = shlex.join(["powerd", "watch", "--url", url])
        cure = f"look at `{watch}` and at the cable; a run wants 0.99 of its window in good samples"
        yield warn(what, f"{bad} of {samples} samples so far were bad", "none", cure)
    else:
        yield ok(what, f"connected, {samples} samples so far, none bad")


def _settled(options: Sequence[str]) -> list[Line]:
    """What is said of a meter that has just been set; it is asked again while it has not found its range."""
    give_up = time.monotonic() + SETTLE_S
    while True:
        lines = list(_doctor(options, SPAWNED))
        unsettled = any(x.subject.endswith(": range") and x.verdict is not Verdict.OK for x in lines)
        if not unsettled or time.monotonic() > give_up:
            return lines


def _doctor(options: Sequence[str], meter: str) -> Iterator[Line]:
    """What ``powerd doctor`` says of one meter."""
    command = [sys.executable, "-m", "powerd.cli", "doctor", "--json", *options]
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, check=False, timeout=LIMIT_S, stdin=subprocess.DEVNULL
        )
    except subprocess.TimeoutExpired:
        cure = "look at the cable and the meter's own settings for the line"
        yield fail(SUBJECT, f"the meter did not answer within {LIMIT_S:g} s", "an answer", cure)
        return
    try:
        findings = json.loads(done.stdout)["findings"]
    except (ValueError, KeyError):
        words = done.stderr.strip().splitlines()
        said = (
            words[-1].removeprefix("powerd: ")
            if words
            else f"powerd doctor ended with code {done.returncode}"
        )
        yield told(SUBJECT, said, "a meter that answers", f"run {_doctor_command(options)} to see why")
        return
    for finding in findings:
        owner, mark, topic = str(finding["what"]).partition(": ")
        if mark and (owner == meter or owner.startswith(f"{meter}/") or owner == meter_of(meter)):
            yield _line(topic, finding, meter, _doctor_command(options))


def _doctor_command(options: Sequence[str]) -> str:
    return f"`{shlex.join(['powerd', 'doctor', *options])}`"


def _line(topic: str, finding: Mapping[str, str], meter: str, doctor: str) -> Line:
    verdict = Verdict(finding["level"])
    cure = finding["advice"] or CURES.get(topic, "run {doctor}").format(doctor=doctor)
    cure = "" if verdict is Verdict.OK else cure
    return Line(f"{SUBJECT}, {meter}: {topic}", verdict, finding["found"], finding["wanted"], cure)

"""``ptd``: the text protocol of PTDaemon as MLCommons power-dev uses it, port 8888.

Source: exchanges, logs and code of public power results and power-dev (docs/protocols.md names them); commands that
no public log holds are answered ``Unknown command``. Confidence: high for everything that power-dev sends. powerd is
not PTDaemon: only the fixed greeting is PTDaemon's, since there is no other way in; ``Identify`` and the logs say so.

    Hello · Identify · RR · SR,V|A,Auto|<number> · Go,<ms>,<ramp-up>,<mark> · Stop · RL[,*,*] · Watts · Uncertainty
"""

from __future__ import annotations

import logging
import math
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

from powerd.errors import PowerdError, Refused
from powerd.model import Reading
from powerd.protocols.analyzer import Analyzer, close_left_windows
from powerd.protocols.base import Lab, Line
from powerd.protocols.measurement import Told
from powerd.protocols.ptd_log import Journal, identity, model_name, sample_text, startup_lines
from powerd.protocols.samples import LIMIT, MOST_SAMPLES, Group, Run, Sample

log = logging.getLogger("powerd.ptd")
UNKNOWN = "Unknown command"
WRONG_COUNT = "Invalid number of parameters"
LONGEST_MARK = 200
_WHOLE = re.compile(r"\d{1,9}\Z", re.ASCII)
_CHUNK = 200


@dataclass(frozen=True, slots=True)
class Writing:
    """Where a conversation leaves its traces: the journal, and a sink for sample lines (the file of ``-l``)."""

    journal: Journal
    samples: Callable[[str], None]
    echo: bool = False
    """Whether the journal gets every sample too."""
    labels: Mapping[str, str] = field(default_factory=dict)


class Talk:
    """One conversation: a command in, a reply out. Used by one thread."""

    def __init__(self, lab: Lab, meters: tuple[str, ...], writing: Writing) -> None:
        """Nothing is asked of the meters yet."""
        self._lab = lab
        self._writing = writing
        self._journal = writing.journal
        self._mark = "notset"
        self._labels = dict(writing.labels)
        told = Told(self._on_sample, self._on_lost, self._on_missed, self._on_completed, self._on_window)
        self.analyzer = Analyzer(lab, meters, told)
        self._words: dict[str, Callable[[Sequence[str]], Iterable[str]]] = {
            "Hello": lambda _: ("Hello, PTDaemon here!",),
            "Identify": lambda _: (identity(self.analyzer),),
            "RR": lambda _: (self._ranges(),),
            "SR": self._set_range,
            "Go": self._go,
            "Stop": lambda _: (self._stop(),),
            "RL": self._read_last,
            "Watts": lambda _: (f"Watts,{self.analyzer.run().watts_text}",),
            "Uncertainty": lambda _: (f"Uncertainty,{self.analyzer.run().uncertainty_text}",),
        }

    def answer(self, command: str) -> Iterator[str]:
        """The lines of the reply, one at least; never an exception of ours."""
        word, *rest = command.split(",")
        obey = self._words.get(word)
        if obey is None:
            reply: Iterable[str] = (UNKNOWN,)
        else:
            try:
                reply = obey(rest)
            except PowerdError as error:
                reply = (f"Error: {' '.join(str(error).split())}",)
        lines = iter(reply)
        first = next(lines)
        self._journal.stamped(f"Response to client sent: {first}")
        yield first
        yield from lines

    def label(self, name: str, value: str) -> None:
        """A label of the windows that the next runs hold."""
        self._labels[name] = value

    def end(self) -> None:
        """The other side has gone: end the run and free the meters."""
        self.analyzer.end()

    def _ranges(self) -> str:
        """Amperes first; flags 1 auto, 0 fixed; -1.0 for what is not known."""
        shown = (
            f"{int(automatic)},{'-1.0' if value is None else f'{value:.6f}'}"
            for automatic, value in self.analyzer.ranges()
        )
        return f"Ranges,{','.join(shown)}"

    def _set_range(self, words: Sequence[str]) -> Iterable[str]:
        if len(words) != 2 or words[0] not in {"V", "A"}:
            return (WRONG_COUNT if len(words) != 2 else UNKNOWN,)
        quantity, text = words
        value = None if text == "Auto" else _number(text)
        volts = quantity == "V"
        chosen = (self.analyzer.set_volts if volts else self.analyzer.set_amps)(value)
        name, unit = ("Volt", "V") if volts else ("Amp", "A")
        if value is None:
            self._journal.stamped(f"{'Volt' if volts else 'Ampere'} range set to Auto")
        else:
            for one in chosen:
                self._journal.stamped(f"{name} range set to {one or 0.0:.6f}{unit}")
        return (f"Range {quantity} changed",)

    def _go(self, words: Sequence[str]) -> Iterable[str]:
        if len(words) < 2 or not all(_WHOLE.match(w) for w in words[:2]):
            return (WRONG_COUNT,)
        if int(words[1]):
            raise Refused(f"found {words[1]} ramp-up samples, wanted 0")
        mark = ",".join(words[2:])
        if len(mark) > LONGEST_MARK or not mark.isprintable() or "," in mark:
            raise Refused(f"a mark has at most {LONGEST_MARK} printable characters and no comma")
        before, self._mark = self._mark, mark or "notset"
        try:
            self.analyzer.go(int(words[0]), mark, self._labels)
        except PowerdError:
            self._mark = before
            raise
        self._journal.stamped("Go command received")
        self._journal.stamped(f"Go with mark '{self._mark}'")
        return (
            f"Starting untimed measurement, maximum {MOST_SAMPLES} samples at {int(words[0])}ms with 0 rampup samples",
        )

    def _stop(self) -> str:
        self._journal.stamped("Stop command received")
        return "Stopping untimed measurement" if self.analyzer.stop() else "Error: no measurement to stop"

    def _read_last(self, words: Sequence[str]) -> Iterable[str]:
        channels = len(self.analyzer.places)
        if words and (channels == 1 or list(words) != ["*", "*"]):
            return (WRONG_COUNT,)
        count, rows = self.analyzer.run().unread()
        what = f" from sum channel and channels 1 - {channels}" if words else ""
        return self._last(f"Last {count} samples{what}", rows, None if words else 1)

    def _last(
        self, head: str, rows: Iterator[tuple[int, tuple[Group, ...]]], groups: int | None
    ) -> Iterator[str]:
        yield head
        utc = self._lab.utc()
        for end_ns, found in rows:
            yield sample_text(utc.to_remote(end_ns).ns, found[:groups])

    # what a run tells, on its own thread

    def _on_sample(self, sample: Sample) -> None:
        at = self._lab.utc().to_remote(sample.end_ns).ns
        channels = [channel for _, channel in self.analyzer.places]
        several = len(self.analyzer.meters) > 1
        names = [str(n) for n in range(1, len(channels) + 1)] if several else channels
        self._writing.samples(sample_text(at, sample.groups, self._mark, names))
        if self._writing.echo:
            self._journal.plain(sample_text(at, sample.groups))
        if sample.uncertainty is not None and sample.uncertainty > LIMIT:
            share = 100 * sample.uncertainty
            self._journal.stamped(
                f"WARNING: Uncertainty {share:.2f}%, which is above 1.00% limit for the last sample!"
            )

    def _on_lost(self, reading: Reading) -> None:
        v = reading.values
        model = model_name(self._lab.info(reading.meter), 1).removeprefix("Yokogawa")
        for word, value in (("watts", v.power_w), ("amps", v.current_a), ("volts", v.voltage_v)):
            if value is None or not math.isfinite(value):
                lost = "inf" if v.quality == "overrange" else "nan"
                self._journal.stamped(f"ERROR: Bad {word} reading {lost} from {model}")
                break
        else:
            self._journal.stamped(f"note: reading of channel {v.channel} is not good: {v.quality}")

    def _on_missed(self, count: int) -> None:
        self._journal.stamped(f"WARNING: Missed {count} samples")

    def _on_completed(self, run: Run) -> None:
        self._journal.completed(run, self.analyzer)

    def _on_window(self, window: Mapping[str, Any]) -> None:
        self._journal.window(window)


class PtdConversations:
    """``powerd.protocols.base.Conversations``: every connection is a ``Talk`` of its own on the same meters."""

    def __init__(self, lab: Lab, meters: tuple[str, ...], writing: Writing | None = None) -> None:
        """Without ``writing`` the journal is the daemon's log."""
        self._lab = lab
        self._meters = meters
        self._writing = writing or Writing(Journal(log.info), lambda line: None)
        close_left_windows(lab, meters)

    def introduce(self) -> None:
        """Say in the journal who measures; ``Gone`` when a meter never answered."""
        for text in startup_lines(Talk(self._lab, self._meters, self._writing).analyzer):
            self._writing.journal.stamped(text)

    def hold(self, line: Line) -> None:
        """Strict question and answer until the other side ends; a run that it left is ended then."""
        journal = self._writing.journal
        talk = Talk(self._lab, self._meters, self._writing)
        journal.stamped(f"Accepted connection from {line.peer}")
        try:
            while (command := line.read_line()) is not None:
                reply = talk.answer(command)
                while chunk := list(islice(reply, _CHUNK)):
                    line.write("".join(f"{text}\r\n" for text in chunk))
        finally:
            talk.end()
            journal.stamped("No data returned by socket read.")
            journal.stamped("Shutting connection down...")
            journal.stamped("Connection is down.")

    def close(self) -> None:
        """Every conversation has ended with its connection."""


def _number(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise Refused(f"found {text[:40]!r}, wanted Auto or a number")
    return value


class Ptd:
    """``powerd.protocols.base.ForeignProtocol``."""

    name = "ptd"
    default_listen = "127.0.0.1:8888"

    def open(self, lab: Lab, meters: tuple[str, ...]) -> PtdConversations:
        """Serve these meters."""
        return PtdConversations(lab, meters)


PROTOCOL = Ptd()

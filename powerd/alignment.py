"""How late and how blurred a meter shows a load: fitted from a load that was switched on and off at known instants.

Model: a sample with stamp e is the mean power over ``[e - delay - averaging, e - delay]``, and the load draws
``low_w`` or ``high_w``. Delay and averaging are searched for the least squares; the two powers follow for each pair.
What is known of the four is the usual linearised covariance at the best fit, from the residuals.
"""

from __future__ import annotations

import math
import random
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from schemas.errors import Failed

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Array = NDArray[np.float64]

LEAST_SAMPLES = 12
LEAST_SHARE = 0.6
"""Share of the variance of the watts that the load must explain (R squared)."""
LONGEST_DELAY = 4.0
"""Delays up to so many intervals are looked for, to either side a quarter of that before the switch."""


@dataclass(frozen=True, slots=True)
class Switch:
    """The load was switched at this instant (Unix nanoseconds of the daemon's clock)."""

    at_ns: int
    on: bool


@dataclass(frozen=True, slots=True)
class Alignment:
    """What was found. ``delay_s`` is how late the stamps are, ``averaging_s`` over how long the meter averages."""

    delay_s: float
    delay_u95_s: float
    averaging_s: float
    averaging_u95_s: float
    low_w: float
    high_w: float
    explained: float
    samples: int


def schedule(seconds: float, interval_s: float, seed: int = 1) -> list[float]:
    """Lengths in seconds, off and on in turn, of 1.3 to 4.7 intervals: no rhythm that the updates could join."""
    draw = random.Random(seed)
    lengths: list[float] = []
    while sum(lengths) < seconds:
        lengths.append(draw.uniform(1.3, 4.7) * max(interval_s, 0.25))
    return lengths


def fit(
    stamps_ns: Sequence[int], powers_w: Sequence[float], switches: Sequence[Switch], interval_s: float
) -> Alignment:
    """Find delay and averaging; ``Failed`` when the watts do not follow the load or there are too few of them."""
    import numpy as np

    if len(stamps_ns) < LEAST_SAMPLES or len(switches) < 4:
        raise Failed(
            f"{len(stamps_ns)} good samples over {len(switches)} switches tell nothing: measure for longer (--seconds)"
        )
    zero = switches[0].at_ns
    stamps = np.array([(at - zero) / 1e9 for at in stamps_ns])
    powers = np.array(powers_w, dtype=float)
    on_time = _on_time(switches, zero)
    if float(powers.var()) == 0.0:
        raise _unrelated(0.0)
    delay, averaging = _search(stamps, powers, on_time, interval_s)
    share = _share(stamps, on_time, delay, averaging)
    low, step, left = _levels(share, powers)
    explained = 1 - left / float(powers.var() * len(powers))
    if explained < LEAST_SHARE or step <= 0:
        raise _unrelated(explained)
    u_delay, u_averaging = _spread(stamps, powers, on_time, (delay, averaging), (low, step))
    return Alignment(delay, u_delay, averaging, u_averaging, low, low + step, explained, len(powers))


def _unrelated(explained: float) -> Failed:
    return Failed(
        f"the load explains {100 * max(0.0, explained):.0f} % of how the watts vary, wanted {100 * LEAST_SHARE:.0f} %: "
        "run this on the machine that the meter measures, with nothing else running on it"
    )


def _on_time(switches: Sequence[Switch], zero: int) -> tuple[Array, Array]:
    """Instants, and how long the load was on until each; in between it grows in straight lines."""
    import numpy as np

    times, totals = [-1e4], [0.0]  # nothing was on before
    before, on = -1e4, False
    for switch in switches:
        at = (switch.at_ns - zero) / 1e9
        totals.append(totals[-1] + (at - before if on else 0.0))
        times.append(at)
        before, on = at, switch.on
    times.append(before + 1e4)
    totals.append(totals[-1] + (1e4 if on else 0.0))
    return np.array(times), np.array(totals)


def _share(stamps: Array, on_time: tuple[Array, Array], delay: float, averaging: float) -> Array:
    """Share of each averaging interval in which the load was on."""
    import numpy as np

    until = np.interp(stamps - delay, *on_time)
    since = np.interp(stamps - delay - averaging, *on_time)
    found: Array = (until - since) / averaging
    return found


def _levels(share: Array, powers: Array) -> tuple[float, float, float]:
    """Low power, step, and the sum of the squares that are left."""
    mean_s, mean_p = float(share.mean()), float(powers.mean())
    spread = float(((share - mean_s) ** 2).sum())
    step = float(((share - mean_s) * (powers - mean_p)).sum()) / spread if spread > 0 else 0.0
    low = mean_p - step * mean_s
    return low, step, float(((powers - low - step * share) ** 2).sum())


def _search(
    stamps: Array, powers: Array, on_time: tuple[Array, Array], interval_s: float
) -> tuple[float, float]:
    """A coarse grid, then downhill with ever smaller steps."""
    delays = [interval_s * (i / 10 - LONGEST_DELAY / 4) for i in range(int(10 * LONGEST_DELAY * 1.25) + 1)]
    averagings = [interval_s * i / 5 for i in range(1, 21)]

    def left(pair: tuple[float, float]) -> float:
        return _levels(_share(stamps, on_time, *pair), powers)[2]

    best = min(((d, a) for d in delays for a in averagings), key=left)
    least, reach = left(best), interval_s / 10
    while reach > interval_s / 2000:
        # The two trade against each other, so their difference and sum are directions too.
        around = [
            (best[0] + i * reach, max(interval_s / 100, best[1] + j * reach))
            for i in (-1, 0, 1)
            for j in (-2, -1, 0, 1, 2)
        ]
        better = min(around, key=left)
        if left(better) < least:
            best, least = better, left(better)
        else:
            reach /= 2
    return best


def _spread(
    stamps: Array,
    powers: Array,
    on_time: tuple[Array, Array],
    found: tuple[float, float],
    levels: tuple[float, float],
) -> tuple[float, float]:
    """Half-widths (95 %) of delay and averaging."""
    import numpy as np

    delay, averaging = found
    low, step = levels
    small = averaging / 50
    share = _share(stamps, on_time, delay, averaging)
    by_delay = step * (
        _share(stamps, on_time, delay + small, averaging) - _share(stamps, on_time, delay - small, averaging)
    )
    by_averaging = step * (
        _share(stamps, on_time, delay, averaging + small) - _share(stamps, on_time, delay, averaging - small)
    )
    jacobian = np.stack(
        [by_delay / (2 * small), by_averaging / (2 * small), np.ones_like(share), share], axis=1
    )
    residual = powers - low - step * share
    variance = float((residual**2).sum()) / max(1, len(powers) - 4)
    covariance: Any = np.linalg.pinv(jacobian.T @ jacobian) * variance
    return 1.96 * math.sqrt(covariance[0, 0]), 1.96 * math.sqrt(covariance[1, 1])

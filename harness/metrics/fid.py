"""FID, the Fréchet distance between two sets of pictures, each known by the mean and covariance of its features.

``|m1 - m2|² + tr(C1) + tr(C2) - 2 tr((C1 C2)^½)``, source: Heusel et al. 2017, equation 6. The reference
implementation takes the root of the product by ``scipy.linalg.sqrtm``. Here it is reckoned from the features
themselves: where C1 is ``X'X`` of centred features, the trace of the root is the sum of the singular values of
``X C2^½``. That has no complex numbers, and holds where there are fewer pictures than features, as in TEST01.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from harness.damaged import DAMAGED, reason
from schemas.errors import UserError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]


def distance(features: Floats, mean: Floats, covariance: Floats) -> float:
    """Of pictures with features [N,F] from a set with this mean [F] and covariance [F,F].

    The covariance of the features is divided by N - 1, as numpy's ``cov`` and the reference do; one picture has none.
    """
    import numpy as np

    own = features.mean(axis=0)
    centred = (features - own) / np.sqrt(max(1, len(features) - 1))
    values, vectors = np.linalg.eigh(covariance)
    root = vectors * np.sqrt(np.clip(values, 0, None))
    overlap = float(np.linalg.svd(centred @ root, compute_uv=False).sum())
    apart = own - mean
    spread = float((centred * centred).sum() + np.trace(covariance))
    return float(apart @ apart) + spread - 2 * overlap


def read_statistics(path: Path) -> tuple[Floats, Floats]:
    """``mu`` [F] and ``sigma`` [F,F] of a file of numpy such as ``val2014.npz``; ``UserError`` for another file."""
    import numpy as np

    try:
        with np.load(path, allow_pickle=False) as found:
            mean, covariance = (np.asarray(found[name], dtype=np.float64) for name in ("mu", "sigma"))
    except DAMAGED as error:
        raise UserError(
            f"{path} holds no statistics ({reason(error)}); it wants an npz file with mu and sigma, such as the "
            "val2014.npz of the reference implementation"
        ) from error
    size = mean.shape[0] if mean.ndim == 1 else 0
    if covariance.shape != (size, size) or not size:
        raise UserError(
            f"{path} has mu {list(mean.shape)} and sigma {list(covariance.shape)}; it wants [F] and [F,F]"
        )
    if not (np.isfinite(mean).all() and np.isfinite(covariance).all()):
        raise UserError(f"{path} has numbers that are not finite; copy it again")
    return mean, covariance

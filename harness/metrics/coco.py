"""Mean average precision of detections, by pycocotools (COCOeval, boxes): the mean over IoU 0.50 to 0.95.

A detection is logged as seven float32: sample index, top, left, bottom, right as shares of the original image, score,
class. An image without a detection is answered with no bytes.
"""

from __future__ import annotations

import contextlib
import io
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness.accuracy_log import answers
from harness.extras import need
from harness.model import Accuracy

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

FIGURES = 7


def rows(index: int, boxes: Any, scores: Any, labels: Any) -> NDArray[np.float32]:
    """[n,7] float32 of boxes [n,4] (top, left, bottom, right as shares), their scores and classes."""
    import numpy as np

    made = np.empty((len(scores), FIGURES), dtype=np.float32)
    made[:, 0] = index
    made[:, 1:5] = boxes
    made[:, 5] = scores
    made[:, 6] = labels
    return made


def before_low(scores: Any, least: float) -> int:
    """How many scores stand before the first one below ``least``."""
    import numpy as np

    low = np.flatnonzero(np.asarray(scores, dtype=np.float32) < np.float32(least))
    return int(low[0]) if len(low) else len(scores)


def detections(image: Mapping[str, Any], data: bytes) -> Iterator[dict[str, Any]]:
    """The detections of an answer in pixels of the original image."""
    import numpy as np

    height, width = float(image["height"]), float(image["width"])
    for row in np.frombuffer(data, dtype="<f4").reshape(-1, FIGURES).astype(np.float64).tolist():
        _, top, left, bottom, right, score, label = row
        box = [left * width, top * height, (right - left) * width, (bottom - top) * height]
        yield {"image_id": image["id"], "category_id": int(label), "bbox": box, "score": score}


def accuracy(log: Path, truth: Mapping[str, Any]) -> Accuracy:
    """COCO mAP in percent over the images in an accuracy log."""
    answered = answers(log)
    found = [d for index, data in sorted(answered.items()) for d in detections(truth["images"][index], data)]
    ids = [int(truth["images"][index]["id"]) for index in answered]
    value = mean_average_precision(truth, found, ids)
    return Accuracy("mAP", value, len(answered), f"mAP={value:.3f}%", {"boxes": len(found)})


def refuse_unscorable(truth: Mapping[str, Any]) -> None:
    """One box gets its score: pycocotools loads, and takes these annotations."""
    first, label = truth["images"][0]["id"], truth["categories"][0]["id"]
    box = {"image_id": first, "category_id": label, "bbox": [0.0, 0.0, 1.0, 1.0], "score": 1.0}
    mean_average_precision(truth, [box], [first])


def mean_average_precision(
    truth: Mapping[str, Any], found: Sequence[Mapping[str, Any]], image_ids: Sequence[int]
) -> float:
    """In percent, over these images only.

    ``truth`` is a document in COCO's form; a detection has ``image_id``, ``category_id``, ``score`` and ``bbox`` in
    pixels of the original image (x, y, width, height).
    """
    if not found:
        return 0.0
    need("pycocotools")
    from pycocotools.coco import COCO
    from pycocotools.cocoeval import COCOeval

    with contextlib.redirect_stdout(io.StringIO()):
        reference = COCO()
        reference.dataset = {**truth, "info": truth.get("info", {})}
        reference.createIndex()
        score = COCOeval(reference, reference.loadRes(list(found)), iouType="bbox")
        score.params.imgIds = sorted(image_ids)
        score.evaluate()
        score.accumulate()
        score.summarize()
    return 100.0 * float(score.stats[0])

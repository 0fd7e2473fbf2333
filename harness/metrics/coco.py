"""Mean average precision of detections, by pycocotools (COCOeval, boxes): the mean over IoU 0.50 to 0.95."""

from __future__ import annotations

import contextlib
import io
from collections.abc import Mapping, Sequence
from typing import Any

from harness.extras import need


def mean_average_precision(
    truth: Mapping[str, Any], detections: Sequence[Mapping[str, Any]], image_ids: Sequence[int]
) -> float:
    """In percent, over these images only.

    ``truth`` is a document in COCO's form; a detection has ``image_id``, ``category_id``, ``score`` and ``bbox`` in
    pixels of the original image (x, y, width, height).
    """
    if not detections:
        return 0.0
    need("pycocotools")
    from pycocotools.coco import COCO
    from pycocotools.cocoeval import COCOeval

    with contextlib.redirect_stdout(io.StringIO()):
        reference = COCO()
        reference.dataset = {**truth, "info": truth.get("info", {})}
        reference.createIndex()
        score = COCOeval(reference, reference.loadRes(list(detections)), iouType="bbox")
        score.params.imgIds = sorted(image_ids)
        score.evaluate()
        score.accumulate()
        score.summarize()
    return 100.0 * float(score.stats[0])

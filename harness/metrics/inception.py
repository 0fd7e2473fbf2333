"""Inception-v3 as FID wants it: images to 2048 features, by the weights of ``pytorch-fid``.

The weights are the file that the reference implementation fetches, ``pt_inception-2015-12-05-6726825d.pth`` of the
releases of pytorch-fid (Apache-2.0; the network of TensorFlow's 2015-12-05 archive): a dictionary of tensors by
torchvision's names. The network is written here by those names; how wide a convolution is, and the shape of its
kernel, is taken from its tensor. It is not torchvision's Inception: averages leave out the padding, and the last block
takes a maximum where the paper takes an average (both as in TensorFlow's graph, and as in pytorch-fid). Source:
``text_to_image/tools/fid/inception.py`` of mlcommons/inference; confidence: with random weights of the real widths it
gave the features of torchvision 0.28's blocks, changed in these two ways, to the bit. It computes in double precision,
so that a score does not hang on the number of threads.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness.damaged import reason
from harness.digests import sha256_of
from harness.extras import need
from schemas.errors import UserError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Tensor = Any
    """A ``torch.Tensor``."""

WEIGHTS = "pt_inception-2015-12-05-6726825d.pth"
SIDE = 299
EPSILON = 1e-3
"""Of the batch normalisations."""
MIXED = tuple(f"Mixed_{n}" for n in ("5b", "5c", "5d", "6a", "6b", "6c", "6d", "6e", "7a", "7b", "7c"))


class Inception:
    """The network over a mapping of weights."""

    def __init__(self, weights: Mapping[str, Tensor]) -> None:
        """``weights`` by torchvision's names, each a tensor."""
        self._weights: dict[str, Tensor] = {name: tensor.double() for name, tensor in weights.items()}
        self._f: Any = need("torch").nn.functional

    def features(self, image: NDArray[np.uint8]) -> NDArray[np.float64]:
        """One picture, uint8 [H,W,3], to its features, one float64 each."""
        torch = need("torch")
        with torch.inference_mode():
            planes = torch.from_numpy(image.copy()).permute(2, 0, 1)[None].double() / 255
            small = self._f.interpolate(planes, size=(SIDE, SIDE), mode="bilinear", align_corners=False)
            found: NDArray[np.float64] = self.forward(2 * small - 1).flatten().numpy()
        return found

    def forward(self, x: Tensor) -> Tensor:
        """[N,3,299,299] in -1 to 1, to [N,features]."""
        x = self.conv("Conv2d_1a_3x3", x, stride=2, padded=False)
        x = self.conv("Conv2d_2a_3x3", x, padded=False)
        x = self._shrink(self.conv("Conv2d_2b_3x3", x))
        x = self.conv("Conv2d_3b_1x1", x)
        x = self._shrink(self.conv("Conv2d_4a_3x3", x, padded=False))
        blocks: dict[str, Callable[[str, Tensor], Tensor]] = {
            "5": self._five,
            "6": self._six,
            "6a": self._six_a,
            "7a": self._seven_a,
            "7": self._seven,
        }
        for name in MIXED:
            place = name.removeprefix("Mixed_")
            x = blocks.get(place, blocks[place[0]])(name, x)
        return x.mean(dim=(2, 3))

    def conv(self, name: str, x: Tensor, *, stride: int = 1, padded: bool = True) -> Tensor:
        """Convolution, batch normalisation, ReLU; ``padded`` keeps the size at stride 1."""
        kernel = self._weights[f"{name}.conv.weight"]
        padding = tuple(n // 2 for n in kernel.shape[2:]) if padded else 0
        mean, variance, scale, shift = (
            self._weights[f"{name}.bn.{part}"] for part in ("running_mean", "running_var", "weight", "bias")
        )
        x = self._f.conv2d(x, kernel, stride=stride, padding=padding)
        return self._f.relu(self._f.batch_norm(x, mean, variance, scale, shift, eps=EPSILON))

    def _row(self, block: str, names: str, x: Tensor) -> Tensor:
        """Convolutions of a block, one after the other."""
        for name in names.split():
            x = self.conv(f"{block}.{name}", x)
        return x

    def _shrink(self, x: Tensor) -> Tensor:
        return self._f.max_pool2d(x, kernel_size=3, stride=2)

    def _pooled(self, block: str, x: Tensor) -> Tensor:
        """The branch that takes the average of neighbours inside the picture, in the last block their maximum."""
        around = {"kernel_size": 3, "stride": 1, "padding": 1}
        if block == MIXED[-1]:
            x = self._f.max_pool2d(x, **around)
        else:
            x = self._f.avg_pool2d(x, **around, count_include_pad=False)
        return self._row(block, "branch_pool", x)

    def _five(self, block: str, x: Tensor) -> Tensor:
        return _joined(
            self._row(block, "branch1x1", x),
            self._row(block, "branch5x5_1 branch5x5_2", x),
            self._row(block, "branch3x3dbl_1 branch3x3dbl_2 branch3x3dbl_3", x),
            self._pooled(block, x),
        )

    def _six_a(self, block: str, x: Tensor) -> Tensor:
        deep = self._row(block, "branch3x3dbl_1 branch3x3dbl_2", x)
        return _joined(
            self.conv(f"{block}.branch3x3", x, stride=2, padded=False),
            self.conv(f"{block}.branch3x3dbl_3", deep, stride=2, padded=False),
            self._shrink(x),
        )

    def _six(self, block: str, x: Tensor) -> Tensor:
        return _joined(
            self._row(block, "branch1x1", x),
            self._row(block, "branch7x7_1 branch7x7_2 branch7x7_3", x),
            self._row(block, " ".join(f"branch7x7dbl_{n}" for n in range(1, 6)), x),
            self._pooled(block, x),
        )

    def _seven_a(self, block: str, x: Tensor) -> Tensor:
        near = self._row(block, "branch3x3_1", x)
        far = self._row(block, "branch7x7x3_1 branch7x7x3_2 branch7x7x3_3", x)
        return _joined(
            self.conv(f"{block}.branch3x3_2", near, stride=2, padded=False),
            self.conv(f"{block}.branch7x7x3_4", far, stride=2, padded=False),
            self._shrink(x),
        )

    def _seven(self, block: str, x: Tensor) -> Tensor:
        near = self._row(block, "branch3x3_1", x)
        far = self._row(block, "branch3x3dbl_1 branch3x3dbl_2", x)
        return _joined(
            self._row(block, "branch1x1", x),
            *(self._row(block, f"branch3x3_{n}", near) for n in ("2a", "2b")),
            *(self._row(block, f"branch3x3dbl_{n}", far) for n in ("3a", "3b")),
            self._pooled(block, x),
        )


def refuse(path: Path) -> None:
    """``UserError`` for a file that is not the one that its name says; without PyTorch, in a moment.

    A name that ends in eight hexadecimal digits has the beginning of the file's SHA-256 in it, as PyTorch's releases
    do.
    """
    named = re.search(r"-([0-9a-f]{8})\.pth$", path.name)
    if named is None:
        return
    digest = sha256_of(path)
    if not digest.startswith(named[1]):
        raise UserError(
            f"{path} has the SHA-256 {digest[:8]}…, but its name says {named[1]}…; fetch it again"
        )


def read(path: Path) -> Inception:
    """The network of a file of weights; ``UserError`` for one that is damaged or another network's.

    Nothing in the file is executed: only tensors are read.
    """
    torch = need("torch")
    refuse(path)
    try:
        found = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:
        raise UserError(
            f"{path} cannot be read as weights of PyTorch ({reason(error)}); it wants {WEIGHTS} of pytorch-fid"
        ) from error
    try:
        network = Inception(found if isinstance(found, Mapping) else {})
        with torch.inference_mode():
            network.forward(torch.zeros(1, 3, SIDE, SIDE, dtype=torch.float64))
    except KeyError as error:
        raise UserError(f"{path} lacks {error.args[0]}; it wants {WEIGHTS} of pytorch-fid") from error
    except (RuntimeError, TypeError, AttributeError) as error:
        raise UserError(
            f"{path} is not the Inception of FID ({reason(error)}); it wants {WEIGHTS} of pytorch-fid"
        ) from error
    return network


def _joined(*parts: Tensor) -> Tensor:
    return need("torch").cat(parts, dim=1)

"""Stable Diffusion XL 1.0 on captions of COCO 2014: a caption in, a picture out, FID and CLIP score.

Contract of the reference implementation (``text_to_image`` of mlcommons/inference): the pipeline's two text encoders
take 77 tokens of the caption and of a fixed negative prompt, 20 steps of the Euler scheduler begin with the same given
latents for every caption, guidance 8, no watermark. The answer that is logged is the picture, uint8 [1024,1024,3], the
decoder's output in 0 to 1 times 255 and rounded.
"""

from __future__ import annotations

import contextlib
import io
import json
import math
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness import checkpoints
from harness.accuracy_log import entries
from harness.benchmarks.base import Setting, Traits
from harness.datasets.coco2014 import CLIP, INPUTS, SCORING, Captions, scoring
from harness.digests import sha256_of
from harness.extras import is_there, need
from harness.model import Accuracy, Fixture
from schemas.errors import Failed, UserError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from harness.benchmarks.base import Batch, First, Outputs

    Picture = NDArray[np.uint8]

STEPS = 20
GUIDANCE = 8.0
NEGATIVE = "normal quality, low quality, worst quality, low res, blurry, nsfw, nude"
SIDE = 1024
PIPELINE = "checkpoint_pipe"
SCHEDULER = "checkpoint_scheduler"
SCHEDULER_PART = "scheduler"
"""Folders of the reference's checkpoint. One with ``model_index.json`` itself, as on Hugging Face, also does."""
ENCODERS = ("text_encoder", "text_encoder_2")
TOKENIZERS = ("tokenizer", "tokenizer_2")
DIGITS = 8
"""Decimals of a score, as many as the rounds' limits have."""
ALWAYS = 0
"""A sample whose picture is published besides those that the round names, as the reference's script does."""


class StableDiffusionXl:
    """The benchmark ``stable-diffusion-xl`` of the rounds."""

    name = "stable-diffusion-xl"
    official = ("stable-diffusion-xl",)
    help = "pictures from captions, COCO 2014, FID and CLIP score"
    inputs = INPUTS
    outputs = ("pictures",)
    most = None
    extra = ("transformers", "diffusers", "PIL")
    fixture_samples = 8
    least_samples = 4
    implementation = "edgewatt"
    full_set = 5000
    traits = Traits(
        model="folder",
        backends=("pytorch", "pytorch_cuda"),
        ragged=True,
        batch=1,
        precision="fp32",
        stall_s=3600.0,
        model_about=f"the folder with {PIPELINE} and {SCHEDULER}",
    )
    tensors = ()
    dataset_form = "a folder with captions/captions.tsv, latents/latents.npy (or .pt) and scoring/"
    response_bytes = SIDE * SIDE * 3
    measurements: Mapping[str, str] = {
        "input_data_types": "fp32",
        "retraining": "No",
        "weight_data_types": "fp32",
        "weight_transformations": "none",
    }

    def dataset(self, path: Path) -> Captions:
        """A folder with captions, latents and what scores pictures."""
        return Captions(path)

    def refuse(self, model: Path) -> None:
        """Every part of the pipeline is there, and no file of weights is cut off."""
        pipeline, scheduler = _places(model)
        for part in (*ENCODERS, "unet", "vae"):
            checkpoints.refuse(pipeline / part)
        for part in TOKENIZERS:
            if not any((pipeline / part / name).is_file() for name in ("tokenizer.json", "vocab.json")):
                raise UserError(
                    f"{pipeline / part} has no tokenizer.json and no vocab.json; copy {model} whole"
                )
        if not (scheduler / "scheduler_config.json").is_file():
            raise UserError(f"there is no {scheduler / 'scheduler_config.json'}; copy {model} whole")

    def program(self, model: Path, setting: Setting) -> Program:
        """The pipeline."""
        return read_program(model, setting)

    def responses(self, outputs: Outputs, indices: Sequence[int]) -> list[Picture]:
        """The pictures, each uint8 [H,W,3]."""
        import numpy as np

        return [np.ascontiguousarray(picture) for picture in outputs[0]]

    def accuracy(self, log: Path, dataset: Path) -> Accuracy:
        """FID, and the mean CLIP score beside it, over the pictures in the log, one at a time."""
        figures = score(dataset, logged(log))
        line = f"Accuracy Results: {{'FID_SCORE': {figures.fid}, 'CLIP_SCORE': {figures.clip}}}"
        hashes = {name: sha256_of(path) for name, path in scoring(dataset).items()}
        return Accuracy("FID_SCORE", figures.fid, figures.total, line, {"CLIP_SCORE": figures.clip}, hashes)

    def refuse_unscorable(self, dataset: Path) -> None:
        """One black picture gets both scores, and the latents that all pictures begin with can be read."""
        import numpy as np

        Captions(dataset).load(0)
        found = score(dataset, [(0, np.zeros((SIDE, SIDE, 3), dtype=np.uint8))])
        if not (math.isfinite(found.fid) and math.isfinite(found.clip)):
            raise UserError(
                f"what scores in {dataset / SCORING} gives a picture FID {found.fid} and CLIP score {found.clip}; "
                "copy its files again"
            )

    def samples_to_show(
        self, log: Path, dataset: Path, wanted: Mapping[str, Sequence[str]]
    ) -> Iterator[tuple[str, bytes]]:
        """``images/``: the pictures that the round names, as far as the data set has them, and their captions."""
        for folder, stems in wanted.items():
            indices = {ALWAYS, *(int(stem) for stem in stems if stem.isdigit())}
            captions = Captions(dataset).captions
            for index, picture in logged(log):
                if index in indices:
                    file = io.BytesIO()
                    need("PIL.Image").fromarray(picture).save(file, format="PNG")
                    yield f"{folder}/{index}.png", file.getvalue()
            lines = [f"{index}  {captions[index]}\n" for index in sorted(indices) if index < len(captions)]
            yield f"{folder}/captions.txt", "".join(lines).encode()

    def make_fixture(self, folder: Path, *, width: str, seed: int, samples: int) -> Fixture:
        """A small pipeline, made-up captions, and small networks that plant FID and CLIP score."""
        from harness.fixtures.stable_diffusion_xl import make

        return make(folder, width=width, seed=seed, samples=samples)


class Program:
    """An opened pipeline: captions and latents to pictures."""

    def __init__(self, pipeline: Any, setting: Setting) -> None:
        """``pipeline`` is a ``StableDiffusionXLPipeline`` that is where ``setting`` says."""
        self.pipeline = pipeline
        self._setting = setting

    def __call__(self, batch: Batch, first: First) -> Outputs:
        """The pictures of a list of samples, uint8 [N,H,W,3]."""
        import numpy as np

        assert isinstance(batch, list)
        rows = [sample for sample in batch if isinstance(sample, Mapping)]
        prompts = [str(row["prompt"]) for row in rows]
        return [self.pictures(prompts, np.stack([row["latents"] for row in rows]))]

    def pictures(self, prompts: list[str], latents: NDArray[np.generic]) -> NDArray[np.uint8]:
        """One picture for each prompt; ``latents`` [N,4,H,W]."""
        torch = need("torch")
        begin = torch.from_numpy(latents).to(self._setting.device, getattr(torch, self._setting.dtype))
        with torch.inference_mode():
            made = self.pipeline(
                prompt=prompts,
                negative_prompt=[NEGATIVE] * len(prompts),
                latents=begin,
                num_inference_steps=STEPS,
                guidance_scale=GUIDANCE,
                output_type="pt",
            ).images
            pixels = (made.float() * 255).round().permute(0, 2, 3, 1).to(torch.uint8)
        found: NDArray[np.uint8] = pixels.cpu().contiguous().numpy()
        return found


def read_program(model: Path, setting: Setting | None = None) -> Program:
    """Open the folder of a checkpoint."""
    torch, diffusers = need("torch"), need("diffusers")
    wanted = setting or Setting()
    place, scheduler = _places(model)
    with quiet():
        pipeline = diffusers.StableDiffusionXLPipeline.from_pretrained(
            place,
            scheduler=diffusers.EulerDiscreteScheduler.from_pretrained(scheduler, local_files_only=True),
            dtype=getattr(torch, wanted.dtype),
            low_cpu_mem_usage=is_there("accelerate"),
            add_watermarker=False,
            local_files_only=True,
        ).to(wanted.device)
    pipeline.set_progress_bar_config(disable=True)
    return Program(pipeline, wanted)


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """No bars of progress, and no advice of the libraries, while files are read or written; errors are raised."""
    libraries = [need(name).utils.logging for name in ("diffusers", "transformers")]
    before = [(each.is_progress_bar_enabled(), each.get_verbosity()) for each in libraries]
    try:
        for each in libraries:
            each.disable_progress_bar()
            each.set_verbosity_error()
        yield
    finally:
        for each, (shown, verbosity) in zip(libraries, before, strict=True):
            each.set_verbosity(verbosity)
            if shown:
                each.enable_progress_bar()


def _places(model: Path) -> tuple[Path, Path]:
    """The folders of the pipeline and of its scheduler; ``UserError`` when there is no such pipeline."""
    pipeline, scheduler = model / PIPELINE, model / SCHEDULER / SCHEDULER_PART
    if not pipeline.is_dir():
        pipeline, scheduler = model, model / SCHEDULER_PART
    index = pipeline / "model_index.json"
    try:
        kind = json.loads(index.read_text(encoding="utf-8"))["_class_name"]
    except (OSError, ValueError, KeyError, TypeError):
        raise UserError(
            f"{index} cannot be read; --model wants the folder with {PIPELINE} and {SCHEDULER} of the reference "
            "implementation, or that of the pipeline from Hugging Face"
        ) from None
    if kind != "StableDiffusionXLPipeline":
        raise UserError(f"{index} is of a {kind}; the benchmark wants a StableDiffusionXLPipeline")
    return pipeline, scheduler


@dataclass(frozen=True, slots=True)
class Figures:
    """FID and mean CLIP score of ``total`` pictures, rounded."""

    fid: float
    clip: float
    total: int


def logged(log: Path) -> Iterator[tuple[int, Picture]]:
    """The pictures of an accuracy log with their sample indices, the first of each; never more than one in memory."""
    import numpy as np

    seen: set[int] = set()
    for entry in entries(log):
        index = int(entry["qsl_idx"])
        if index in seen:
            continue
        seen.add(index)
        data = np.frombuffer(bytes.fromhex(entry["data"]), dtype=np.uint8)
        side = math.isqrt(data.size // 3)
        if not side or data.size != 3 * side * side:
            raise Failed(
                f"{log} has an answer of {data.size} bytes for sample {index}, and that is no square picture"
            )
        yield index, data.reshape(side, side, 3)
    if not seen:
        raise Failed(f"{log.name} holds no answers, so there is no accuracy; look at the log beside it")


@contextlib.contextmanager
def threads(count: int) -> Iterator[None]:
    """PyTorch computes with so many threads, and afterwards with as many as before."""
    torch = need("torch")
    before = torch.get_num_threads()
    torch.set_num_threads(count)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def score(dataset: Path, pictures: Iterable[tuple[int, Picture]]) -> Figures:
    """The scores of pictures with their sample indices, on all cores but one, whose number changes no score."""
    with threads(max(1, (os.cpu_count() or 1) - 1)):
        return _score(dataset, pictures)


def _score(dataset: Path, pictures: Iterable[tuple[int, Picture]]) -> Figures:
    import numpy as np

    from harness.metrics import clip_score, fid, inception

    data = Captions(dataset)
    mean, covariance = fid.read_statistics(data.weights["statistics"])
    network = inception.read(data.weights["inception"])
    with quiet():
        judge = clip_score.read(dataset / CLIP)
    features, scores = [], []
    for index, picture in pictures:
        features.append(network.features(picture))
        if features[0].shape != mean.shape:
            raise UserError(
                f"{data.weights['inception']} gives {features[0].size} features, and {data.weights['statistics']} is "
                f"of {mean.size}; they must belong together"
            )
        scores.append(judge.score(picture, data.captions[index]))
    far = max(0.0, fid.distance(np.stack(features), mean, covariance))
    return Figures(round(far, DIGITS), round(math.fsum(scores) / len(scores), DIGITS), len(scores))


BENCHMARK = StableDiffusionXl()

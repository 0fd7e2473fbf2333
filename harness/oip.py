"""The Open Inference Protocol, version 2: tensors to the bytes of a request, and back from an answer.

Source: Open Inference Protocol REST specification (``$tensor_data`` in row-major order, datatypes, ``error``), and its
binary tensor data extension as Triton documents it: the JSON part is as long as the header
``Inference-Header-Content-Length`` says, then follow the tensors whose ``binary_data_size`` is given, in order, little
endian and without padding. Confidence: high for both forms; read from the specifications, tested against a server of
ours and no other.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import prod
from typing import TYPE_CHECKING, Any, Literal

from harness.benchmarks.base import Tensor
from schemas.errors import UserError

if TYPE_CHECKING:
    from harness.benchmarks.base import Array

HEADER_LENGTH = "Inference-Header-Content-Length"
BINARY = "binary_tensor_data"
"""Name of the extension in a server's metadata."""
DATATYPES = {
    "BOOL": "bool",
    "UINT8": "uint8",
    "UINT16": "uint16",
    "UINT32": "uint32",
    "UINT64": "uint64",
    "INT8": "int8",
    "INT16": "int16",
    "INT32": "int32",
    "INT64": "int64",
    "FP16": "float16",
    "FP32": "float32",
    "FP64": "float64",
}
_NAMES = {ours: theirs for theirs, ours in DATATYPES.items()}


@dataclass(frozen=True, slots=True)
class Message:
    """A request or an answer on the wire."""

    body: bytes
    headers: Mapping[str, str]


def request(inputs: Mapping[str, Array], outputs: Sequence[str], *, binary: bool) -> Message:
    """An inference request for some outputs."""
    import numpy as np

    rows: list[dict[str, Any]] = []
    tail: list[bytes] = []
    for name, array in inputs.items():
        row: dict[str, Any] = {"name": name, "shape": list(array.shape), "datatype": _NAMES[array.dtype.name]}
        if binary:
            data = np.ascontiguousarray(array).astype(array.dtype.newbyteorder("<"), copy=False).tobytes()
            tail.append(data)
            row["parameters"] = {"binary_data_size": len(data)}
        else:
            row["data"] = array.ravel().tolist()
        rows.append(row)
    wanted = [{"name": n, "parameters": {"binary_data": True}} if binary else {"name": n} for n in outputs]
    head = json.dumps({"inputs": rows, "outputs": wanted}).encode()
    headers = {"Content-Type": "application/octet-stream" if binary else "application/json"}
    if binary:
        headers[HEADER_LENGTH] = str(len(head))
    return Message(b"".join([head, *tail]), headers)


def answer(body: bytes, header_length: str | None, outputs: Sequence[str], batch: int) -> list[Array]:
    """The outputs in their order; ``UserError`` in one sentence for an answer that is not one for ``batch`` samples."""
    try:
        length = len(body) if header_length is None else int(header_length)
        document = json.loads(body[:length])
        found = _tensors(document["outputs"], memoryview(body)[length:])
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise UserError(
            f"the server's answer is none of the Open Inference Protocol ({type(error).__name__}: {str(error)[:100]}); "
            "look at the server"
        ) from error
    return [_checked(name, found, batch) for name in outputs]


def _checked(name: str, found: Mapping[str, Array], batch: int) -> Array:
    if name not in found:
        raise UserError(
            f"the server answered with the outputs {', '.join(found) or 'none'}, but the benchmark needs {name}; serve "
            "a model of the benchmark"
        )
    array = found[name]
    if not array.shape or array.shape[0] != batch:
        raise UserError(
            f"the server answered {name} with the shape {list(array.shape)} for {batch} samples, wanted {batch} rows; "
            "serve a model of the benchmark, with a batch that is free"
        )
    return array


def _tensors(rows: Sequence[Mapping[str, Any]], tail: memoryview) -> dict[str, Array]:
    import numpy as np

    found: dict[str, Array] = {}
    place = 0
    for row in rows:
        shape = [int(n) for n in row["shape"]]
        dtype = np.dtype(DATATYPES[row["datatype"]])
        size = (row.get("parameters") or {}).get("binary_data_size")
        if size is None:
            array: Array = np.array(row["data"], dtype=dtype).reshape(shape)
        else:
            if size != prod(shape) * dtype.itemsize or place + size > len(tail):
                raise ValueError(f"{row['name']} has {len(tail) - place} bytes, its header speaks of {size}")
            array = np.frombuffer(tail[place : place + size], dtype.newbyteorder("<")).reshape(shape)
            place += size
        found[str(row["name"])] = array
    return found


def described(document: Mapping[str, Any]) -> list[Tensor]:
    """Inputs and outputs of a model's metadata; a length of -1 is free. ``UserError`` when it is no such document."""
    try:
        return [
            Tensor(kind, str(row["name"]), DATATYPES[row["datatype"]], _shape(row["shape"]))
            for kind, rows in _both(document)
            for row in rows
        ]
    except (KeyError, TypeError, ValueError) as error:
        raise UserError(
            f"the server's description of the model is none of the Open Inference Protocol ({type(error).__name__}: "
            f"{str(error)[:100]}); look at the server"
        ) from error


def _both(document: Mapping[str, Any]) -> list[tuple[Literal["input", "output"], list[Mapping[str, Any]]]]:
    return [("input", document["inputs"]), ("output", document["outputs"])]


def _shape(lengths: Sequence[Any]) -> tuple[int | None, ...]:
    return tuple(None if int(n) < 0 else int(n) for n in lengths)

"""A real HTTP server that answers for models: the Open Inference Protocol over ONNX Runtime, and OpenAI's completions.

Written from the protocols' specifications and apart from the harness, so that one does not repeat the other's mistake.
``fault`` makes it misbehave in one way.
"""

from __future__ import annotations

import json
import struct
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime

KINDS = {
    "tensor(float)": ("FP32", "<f4"),
    "tensor(int64)": ("INT64", "<i8"),
    "tensor(int32)": ("INT32", "<i4"),
}
DTYPES = dict(KINDS.values())
WORDS = [" one", " two", " three", " four"]


class Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, model: Path | None, *, binary: bool = True, fault: str = "", token: str = "") -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.session = None if model is None else onnxruntime.InferenceSession(str(model))
        self.binary, self.fault, self.token = binary, fault, token
        self.asked: list[dict[str, Any]] = []
        self.ids: list[int] = []
        """What a language model says to every prompt, as token ids; empty: four words."""
        self.search: Callable[[list[int], int], list[list[int]]] | None = None
        """Searches with beams: a prompt and their number, to as many answers, the best one first; None: it cannot."""
        self.connections = 0
        self.ended = threading.Event()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"

    def process_request(self, request: Any, client_address: Any) -> None:
        self.connections += 1
        super().process_request(request, client_address)


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: Server

    def log_message(self, *_: Any) -> None:
        pass

    def reply(self, body: bytes, kind: str = "application/json", status: int = 200, **headers: str) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        self.wfile.write(body)

    def say(self, document: Any, status: int = 200) -> None:
        self.reply(json.dumps(document).encode(), status=status)

    def allowed(self) -> bool:
        if self.server.token and self.headers["Authorization"] != f"Bearer {self.server.token}":
            self.say({"error": {"message": "who are you?"}}, 401)
            return False
        return True

    def do_GET(self) -> None:
        if not self.allowed():
            return
        if self.path == "/v1/models":
            self.say({"object": "list", "data": [{"id": "writer", "object": "model"}]})
        elif self.path == "/v2":
            extensions = ["binary_tensor_data"] if self.server.binary else []
            self.say({"name": "small\x1b server", "version": "1.0", "extensions": extensions})
        elif self.path == "/v2/models/classes" and self.server.session is not None:
            self.say(self.described())
        else:
            self.say({"error": f"no such thing: {self.path}"}, 404)

    def described(self) -> dict[str, Any]:
        session = self.server.session
        assert session is not None
        if self.server.fault == "description":
            return {"name": "classes", "inputs": [{"name": "x"}], "outputs": []}

        def rows(nodes: Any) -> list[dict[str, Any]]:
            return [
                {"name": n.name, "datatype": KINDS[n.type][0], "shape": [free(x) for x in n.shape]}
                for n in nodes
            ]

        return {
            "name": "classes", "platform": "onnx",
            "inputs": rows(session.get_inputs()), "outputs": rows(session.get_outputs()),
        }  # fmt: skip

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if not self.allowed():
            return
        if self.path == "/v1/completions":
            self.complete(json.loads(body))
        elif self.path == "/v2/models/classes/infer":
            self.infer(body)
        else:
            self.say({"error": f"no such thing: {self.path}"}, 404)

    # --- the Open Inference Protocol

    def infer(self, body: bytes) -> None:
        fault = self.server.fault
        if fault == "refusal":
            self.say({"error": "the accelerator\nfell off"}, 500)
            return
        if fault == "silence":
            self.server.ended.wait(30)
            return
        if fault == "garbage":
            self.reply(b"<html>welcome</html>", "text/html")
            return
        if fault == "hang up":
            self.close_connection = True
            return
        length = int(self.headers.get("Inference-Header-Content-Length", len(body)))
        asked, tail = json.loads(body[:length]), body[length:]
        self.server.asked.append(asked)
        feed = {}
        for row in asked["inputs"]:
            kind = DTYPES[row["datatype"]]
            size = row.get("parameters", {}).get("binary_data_size")
            if size is None:
                array = np.array(row["data"], kind)
            else:
                array, tail = np.frombuffer(tail[:size], kind), tail[size:]
            feed[row["name"]] = array.reshape(row["shape"])
        self.answer(feed, [row["name"] for row in asked["outputs"]], "parameters" in asked["outputs"][0])

    def answer(self, feed: dict[str, Any], wanted: list[str], binary: bool) -> None:
        session = self.server.session
        assert session is not None
        if self.server.fault == "rows":
            feed = {name: array[:-1] for name, array in feed.items()}
        rows, tail = [], b""
        for name, array in zip(wanted, session.run(wanted, feed), strict=True):
            kind = next(k for k, form in DTYPES.items() if np.dtype(form) == array.dtype)
            row: dict[str, Any] = {"name": name, "datatype": kind, "shape": list(array.shape)}
            if self.server.fault == "name":
                row["name"] = "other"
            if binary:
                tail += array.tobytes()
                row["parameters"] = {"binary_data_size": array.nbytes}
            else:
                row["data"] = array.ravel().tolist()
            rows.append(row)
        head = json.dumps({"model_name": "classes", "outputs": rows}).encode()
        if self.server.fault == "short":
            tail = tail[:-1]
        if binary:
            self.reply(
                head + tail, "application/octet-stream", Inference_Header_Content_Length=str(len(head))
            )
        else:
            self.reply(head)

    # --- completions

    def complete(self, asked: dict[str, Any]) -> None:
        self.server.asked.append(asked)
        if asked.get("use_beam_search") and self.server.search is not None:
            found = self.server.search(asked["prompt"], asked["n"])
            rows = [{"index": n, "text": str(n), "token_ids": ids} for n, ids in enumerate(found)]
            self.say({"choices": rows, "usage": {"completion_tokens": sum(map(len, found))}})
            return
        own_ids = self.server.ids or list(range(100, 100 + len(WORDS)))
        ids = own_ids[: asked["max_tokens"]] if asked.get("return_token_ids") else None
        words = [WORDS[n % len(WORDS)] for n in range(len(own_ids))][: asked["max_tokens"]]
        usage = {"completion_tokens": len(words)}
        if not asked.get("stream"):
            choice = {"index": 0, "text": "".join(words), "finish_reason": "length", "token_ids": ids}
            self.say({"object": "text_completion", "choices": [choice], "usage": usage})
            return
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Connection", "close")
        self.end_headers()
        for place, word in enumerate(words):
            if self.server.fault == "break" and place == 2:
                return
            own = None if ids is None else [ids[place]]
            self.event({"choices": [{"index": 0, "text": word, "token_ids": own, "finish_reason": None}]})
            if not self.server.ids:
                time.sleep(0.05)
        self.event({"choices": [], "usage": usage})
        self.wfile.write(b": a comment\n\ndata: [DONE]\n\n")

    def event(self, document: Any) -> None:
        self.wfile.write(f"data: {json.dumps(document)}\n\n".encode())
        self.wfile.flush()


def free(length: int | str | None) -> int:
    """A length that is named or open is -1 in the protocol."""
    return length if isinstance(length, int) else -1


@contextmanager
def serving(model: Path | None = None, **how: Any) -> Iterator[Server]:
    """The server in threads of its own, at a free port."""
    with Server(model, **how) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
        thread.start()
        try:
            yield server
        finally:
            server.ended.set()
            server.shutdown()
            thread.join()


def int64s(values: list[int]) -> bytes:
    """As they are on the wire."""
    return struct.pack(f"<{len(values)}q", *values)

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.power_session import Message, Phase, SessionFile, SessionGarbled, hash_file

SESSION = SessionFile(
    side="server",
    version="1.0",
    timezone=0,
    modules={},
    sources={"powerd/sessions.py": "0" * 40},
    messages=(Message("a", 1.0, "b", 2.0),),
    uuid_client="c",
    uuid_server="s",
    session_name="2026-11-24_10-00-00",
    results={"run_1/spl.txt": "1" * 40},
    phases={"ranging": (Phase(1.5, 2.5),) * 4, "testing": ()},
    edgewatt={"daemon": "powerd"},
)


def test_a_session_reads_as_it_was_written(tmp_path: Path) -> None:
    path = tmp_path / "server.json"
    path.write_text(SESSION.to_json(), encoding="utf-8")
    assert SessionFile.read(path, "server") == SESSION


def test_the_digest_is_sha1(tmp_path: Path) -> None:
    (tmp_path / "f").write_bytes(b"edge")
    assert hash_file(tmp_path / "f") == hashlib.sha1(b"edge", usedforsecurity=False).hexdigest()


@pytest.mark.parametrize("missing", ["version", "uuid", "phases", "results"])
def test_a_missing_part_is_named(missing: str) -> None:
    document = SESSION.to_document()
    del document[missing]
    with pytest.raises(SessionGarbled, match=missing):
        SessionFile.from_document(document, "server")


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(max_size=5),
        lambda c: (
            st.lists(c, max_size=3)
            | st.dictionaries(st.sampled_from(sorted(SESSION.to_document())), c, max_size=9)
        ),
        max_leaves=20,
    )
)
def test_no_json_breaks_the_reader(document: object) -> None:
    try:
        SessionFile.from_document(document, "client")
    except SessionGarbled:
        pass


def test_every_published_session_reads_and_writes_back(corpus: Path) -> None:
    files = [*corpus.rglob("client.json"), *corpus.rglob("server.json")]
    assert len(files) > 50
    for path in files:
        document = json.loads(path.read_text(encoding="utf-8"))
        again = SessionFile.read(path, "server" if path.stem == "server" else "client").to_document()
        differing = {k for k in document if document[k] != again.get(k)} - {"ptd_config", "ptd_messages"}
        assert not differing, path

"""`push_to_hub` through the hub's own client, to a small hub on this machine."""

from __future__ import annotations

import base64
import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from safetensors.torch import load

from xlm_model import XLMConfig


class Hub(ThreadingHTTPServer):
    """Answers the requests of an upload, and keeps what was sent."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Answers)
        self.created: list[dict[str, Any]] = []
        self.commits: list[list[dict[str, Any]]] = []
        self.unknown: list[str] = []
        self.tokens: set[str | None] = set()

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


class Answers(BaseHTTPRequestHandler):
    server: Hub

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.server.tokens.add(self.headers.get("Authorization"))
        if self.path == "/api/repos/create":
            self.server.created.append(json.loads(body))
            self.answer({"url": f"{self.server.address}/someone/tiny"})
        elif self.path == "/api/models/someone/tiny/preupload/main":
            files = [
                {**f, "uploadMode": "regular", "shouldIgnore": False}
                for f in json.loads(body)["files"]
            ]
            self.answer({"files": files})
        elif self.path == "/api/models/someone/tiny/commit/main":
            self.server.commits.append([json.loads(line) for line in body.splitlines()])
            url = f"{self.server.address}/someone/tiny/commit/{'0' * 40}"
            self.answer({"commitUrl": url, "commitOid": "0" * 40, "success": True})
        else:
            self.server.unknown.append(self.path)
            self.send_error(404)

    def do_GET(self) -> None:
        self.server.unknown.append(self.path)
        self.send_error(404)

    def answer(self, values: dict[str, Any]) -> None:
        text = json.dumps(values).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def log_message(self, format: str, *args: Any) -> None:
        pass


@pytest.fixture
def hub() -> Iterator[Hub]:
    server = Hub()
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


UPLOAD = """
import sys
from xlm_model import XLMConfig, XLMModel
model = XLMModel(XLMConfig(vocab_size=60, emb_dim=32, n_layers=1, n_heads=4))
url = model.push_to_hub("someone/tiny", token="hf_x", private=True, commit_message="First try")
assert url.endswith("/someone/tiny/commit/" + "0" * 40), url
model.save_pretrained(sys.argv[1], push_to_hub=True, repo_id="someone/tiny", token="hf_x")
"""


def test_a_model_is_uploaded_as_it_is_saved(hub: Hub, tmp_path: Path) -> None:
    folder = tmp_path / "model"
    # In a process of its own: the client reads the hub's address when it is imported.
    environment = {**os.environ, "HF_ENDPOINT": hub.address, "HF_HOME": str(tmp_path / "home")}
    environment = {k: v for k, v in environment.items() if k != "HF_HUB_OFFLINE"}
    subprocess.run([sys.executable, "-c", UPLOAD, str(folder)], check=True, env=environment)
    assert [repository["name"] for repository in hub.created] == ["tiny", "tiny"]
    assert hub.created[0]["visibility"] == "private"
    assert hub.tokens == {"Bearer hf_x"}
    for message, (header, *files) in zip(["First try", "Upload model"], hub.commits, strict=True):
        assert header["value"]["summary"] == message
        sent = {f["value"]["path"]: base64.b64decode(f["value"]["content"]) for f in files}
        assert sorted(sent) == ["config.json", "model.safetensors"]
        assert XLMConfig(**json.loads(sent["config.json"])).vocab_size == 60
        assert load(sent["model.safetensors"])["embeddings.weight"].shape == (60, 32)
        assert (folder / "model.safetensors").read_bytes() == sent["model.safetensors"]

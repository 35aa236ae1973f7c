"""What must not leave: tokens into any file or text, and anything at all onto the network."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from tests.survival.conftest import Home, asked, link_images

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[2]
TOKENS = {"HF_TOKEN": "hf_planted0000000000000000000000001", "HUGGING_FACE_API": "hf_planted0000000000000000000000002"}


def every_byte(folder: Path) -> Iterator[tuple[Path, bytes]]:
    for file in folder.rglob("*"):
        if file.is_file() and not file.is_symlink():
            yield file, file.read_bytes()


def test_a_token_is_in_no_file_output_or_message(home: Home, tmp_path: Path) -> None:
    images = link_images(tmp_path / "images", 6)
    (images / "broken.png").write_bytes(b"\x89PNG")
    home.environment |= TOKENS
    ended = [home.scored(images), home.scored(images, "--format", "json", "--output", str(tmp_path / "out.json"))]
    ended.append(home.scored(images, "--profile", "aim", environment={"HF_HUB_CACHE": str(tmp_path / "hub")}))
    for output_format in ("csv", "json", "jsonl", "markdown", "html"):
        ended.append(home.run("runs", "export", "last", "-f", output_format, "-o", str(tmp_path / output_format)))
    ended += [home.run("runs", "show", "last"), home.run("runs", "list", "--json"), home.run("cache", "info")]
    assert [run.code for run in ended] == [1, 1, 3, 0, 0, 0, 0, 0, 0, 0, 0], [run.errors for run in ended]
    searched = list(every_byte(tmp_path))
    # The store and its neighbours are among them, and so is every stderr.
    assert {"aim-tui.db", "out.json", "html"} <= {file.name for file, _ in searched}
    assert sum(file.name.startswith("err-") for file, _ in searched) == len(ended)
    for run in ended:
        searched.append((Path("stdout"), "".join(run.out).encode()))
    for token in TOKENS.values():
        assert not [file for file, content in searched if token.encode() in content]


NO_NETWORK = """
import socket

def refuse(*arguments, **options):
    with open({log!r}, "a") as log:
        print(arguments, file=log)
    raise OSError("the network was touched")

socket.socket.connect = socket.socket.connect_ex = socket.socket.sendto = refuse
socket.getaddrinfo = socket.gethostbyname = socket.create_connection = refuse
"""


def test_scoring_with_local_models_touches_no_network(home: Home, tmp_path: Path) -> None:
    images = link_images(tmp_path / "images", 3)
    log = tmp_path / "network"
    (tmp_path / "site").mkdir()
    (tmp_path / "site" / "sitecustomize.py").write_text(NO_NETWORK.format(log=str(log)))
    environment = os.environ | home.environment | {"PYTHONPATH": f"{tmp_path / 'site'}{os.pathsep}{ROOT}"}
    probe = "import socket; socket.create_connection(('127.0.0.1', 9))"
    assert subprocess.run([sys.executable, "-c", probe], env=environment, capture_output=True, check=False).returncode
    assert log.read_text()
    log.unlink()
    sample = asked(
        images, "--metrics", "clip,blip2,lpips", "--topic", "a cabin", "--reference", str(images / "00000.png")
    )
    command = [sys.executable, "-m", "aim_tui", *sample]
    ended = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stderr
    assert len(ended.stdout.splitlines()) == 3
    assert not log.exists()

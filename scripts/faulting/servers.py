"""A real TensorBoard, to look at over HTTP or in a browser."""

import json
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

_LIMIT = 300.0  # seconds; on a machine with ten times as much to do as it can TensorBoard takes two minutes
_SETTLED = 0.3  # seconds in which no run gained a tag


@contextmanager
def tensorboard(logdir: Path, *flags: str, runs: int | None) -> Iterator[str]:
    """The address of a TensorBoard that has read this number of runs in a folder; None: any, once it has looked.

    It knows a run from its first record on, and shows what follows a moment later: read is what no longer grows.
    """
    port = _free_port()
    command = [str(Path(sys.executable).with_name("tensorboard")), "--logdir", str(logdir), "--port", str(port)]
    process = subprocess.Popen(
        [*command, "--host", "127.0.0.1", *flags], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    address = f"http://127.0.0.1:{port}"

    def found() -> bool:
        assert process.poll() is None, "TensorBoard has ended"
        known = len(get(f"{address}/data/runs"))
        if known != runs if runs is not None else known == 0:
            return False
        before = get(f"{address}/data/plugin/scalars/tags")
        time.sleep(_SETTLED)
        return before == get(f"{address}/data/plugin/scalars/tags")

    try:
        until(found, "TensorBoard did not come up")
        yield address
    finally:
        process.terminate()
        process.wait(timeout=30)


def get(address: str) -> Any:
    """The JSON at an address."""
    with urllib.request.urlopen(address, timeout=30) as answer:
        return json.loads(answer.read())


def until(condition: Callable[[], bool], otherwise: str) -> None:
    """Waits until a condition holds; a server that does not answer yet counts as no."""
    limit = time.monotonic() + _LIMIT
    while True:
        try:
            if condition():
                return
        except OSError:
            pass
        assert time.monotonic() < limit, otherwise
        time.sleep(0.1)


def _free_port() -> int:
    with socket.socket() as some:
        some.bind(("127.0.0.1", 0))
        return some.getsockname()[1]

"""Starts a real TensorBoard, for requests over HTTP and for a browser."""

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

_LIMIT = 300.0  # seconds; on a machine with tenfold load TensorBoard takes two minutes
_SETTLED = 0.3  # seconds without a new tag after which the runs count as read


@contextmanager
def tensorboard(logdir: Path, *flags: str, runs: int | None) -> Iterator[str]:
    """The address of a TensorBoard that has read the runs in a folder.

    TensorBoard lists a run after its first record and reads the rest a moment later, so runs count as read once their
    tags no longer change.

    Args:
        flags: further flags of TensorBoard.
        runs: the number of runs to wait for; None waits for any.
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
    """The JSON content at an address."""
    with urllib.request.urlopen(address, timeout=30) as answer:
        return json.loads(answer.read())


def until(condition: Callable[[], bool], otherwise: str) -> None:
    """Waits until a condition holds; as long as a server does not answer, it does not hold.

    Raises: AssertionError with the text `otherwise` after `_LIMIT` seconds.
    """
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

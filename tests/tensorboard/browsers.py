"""The browser of the tests."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

PATH = os.environ.get("BROWSER_PATH") or shutil.which("chromium") or shutil.which("google-chrome")
_FLAGS = ("--no-sandbox", "--disable-gpu", "--disable-background-networking")


@contextmanager
def browser() -> Iterator:
    """Playwright's Chromium. Without a browser the test is skipped, or fails under CI."""
    if PATH is None:
        if os.environ.get("CI"):
            pytest.fail("CI needs a browser: install chromium, or name one in BROWSER_PATH.")
        pytest.skip("no browser here: install chromium, or name one in BROWSER_PATH.")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        found = playwright.chromium.launch(executable_path=PATH, args=list(_FLAGS))
        yield found
        found.close()

"""The Gradients tab in TensorBoard, driven with a mouse and a keyboard."""

import json
import re
from pathlib import Path
from urllib.parse import quote, urlencode, urlsplit

from faulting.servers import get

KEY = "gradients /"
"""The key of the page's stored choices, where TensorBoard is at the server's root."""
SIZE = {"width": 1500, "height": 950}
PIXEL = """(canvas, [x, y]) => {
  const data = canvas.getContext("2d").getImageData(x * devicePixelRatio, y * devicePixelRatio, 1, 1).data;
  return [...data].slice(0, 3);
}"""
COLOURS = """(canvas) => {
  const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
  return new Set(new Uint32Array(data.buffer)).size;
}"""
RESTART = """([key, state]) => {
  localStorage.clear();
  localStorage.setItem(key, JSON.stringify(state));
  location.reload();
}"""
DRAWN = "(canvas) => canvas.figure.seen && !canvas.figure.stale"


class Tab:
    """A browser page that shows TensorBoard with the tab, and the errors in it since the last restart."""

    def __init__(self, page, address: str):
        self.page, self.address = page, address
        self.complaints: list[str] = []
        self.hosts: set[str] = set()
        page.on("pageerror", lambda error: self.complaints.append(f"uncaught: {error}"))
        page.on("console", lambda said: said.type == "error" and self.complaints.append(f"console: {said.text}"))
        page.on("request", lambda request: self.hosts.add(urlsplit(request.url).hostname))
        page.on("dialog", self._dialog)

    def _dialog(self, dialog):
        self.complaints.append(f"dialog: {dialog.message}")
        dialog.dismiss()

    @property
    def frame(self):
        """The tab's own page."""
        (found,) = [frame for frame in self.page.frames if "plugin_entry" in frame.url]
        return found

    def open(self) -> None:
        """Reloads TensorBoard; choices are kept."""
        self.page.goto("about:blank")  # a change of the fragment alone would not load the page anew
        self.page.goto(f"{self.address}/#gradients")
        self.page.frame_locator("iframe").locator("main[aria-busy=false]").wait_for()

    def restart(self, **state) -> None:
        """Reloads the tab's own page with these choices and no others."""
        self.page.mouse.move(0, 0)
        with self.page.expect_event("framenavigated"):
            self.frame.evaluate(RESTART, [KEY, state])
        self.idle()
        self.complaints.clear()
        self.hosts.clear()

    def idle(self) -> None:
        """Waits until the view has its data."""
        self.frame.locator("main[aria-busy=false]").wait_for(timeout=60_000)

    def view(self, name: str) -> None:
        """Opens one of the five views."""
        self.frame.locator(f"#tab-{name}").click()
        self.idle()

    def choose(self, label: str, option: str) -> None:
        """Chooses in a select of the view or of the settings."""
        self.frame.get_by_label(label, exact=True).select_option(option)
        self.idle()

    def state(self) -> dict:
        """The page's stored choices."""
        return json.loads(self.frame.evaluate("(key) => localStorage.getItem(key)", KEY))

    def ask(self, route: str, **arguments):
        """The answer of a route; a list repeats its argument."""
        return get(f"{self.address}/data/plugin/gradients/{route}?{urlencode(arguments, doseq=True, quote_via=quote)}")

    def canvas(self, start: str, within: str = "main"):
        """The drawn canvas of the first figure whose title begins with a text."""
        figures = self.frame.locator(f"{within} figure:visible")
        canvas = figures.filter(has_text=re.compile(f"^{re.escape(start)}")).first.locator("canvas")
        return drawn(canvas)

    def hover(self, canvas, x: float, y: float) -> list[str]:
        """The lines of the tip at a place of a canvas, in fractions of its width and height; [] without a tip."""
        self.page.mouse.move(*place(canvas, x, y))
        return self.tip()

    def click(self, canvas, x: float, y: float) -> None:
        """Clicks there."""
        self.page.mouse.click(*place(canvas, x, y))
        self.idle()

    def tip(self) -> list[str]:
        """The lines of the tip that is shown."""
        return self.frame.locator(".tip:visible > div").all_inner_texts()

    def save(self, canvas, kind: str) -> tuple[str, bytes]:
        """(name, content) of the file that a figure's button PNG, SVG or CSV downloads."""
        with self.page.expect_download() as started:
            canvas.locator("xpath=..").get_by_text(kind, exact=True).click()
        return started.value.suggested_filename, Path(started.value.path()).read_bytes()


def drawn(canvas):
    """A canvas, once it is in sight and drawn."""
    canvas.scroll_into_view_if_needed()
    canvas.page.wait_for_timeout(50)
    handle = canvas.element_handle()
    handle.owner_frame().wait_for_function(DRAWN, arg=handle)
    return canvas


def place(canvas, x: float, y: float) -> tuple[float, float]:
    """The place in the window of a point of a canvas, given in fractions of its width and height."""
    box = canvas.bounding_box()
    return box["x"] + x * box["width"], box["y"] + y * box["height"]


def parsed(text: str) -> float | None:
    """The number in a text of the page; None for its dash."""
    plain = text.replace("−", "-").replace("\u202f", "").removeprefix("±").strip()
    if plain == "–":
        return None
    return float(plain[:-1]) / 100 if plain.endswith("%") else float(plain)

"""The handbook's texts, and the examples in them.

An example is a fenced block of sh, python or yaml. One whose first line is a comment with a file's name is that file. A
comment `<!-- checked, not run -->` on the line before the block marks commands that take too long for a test.
"""

import re
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parent.parent
PATTERNS = (
    "README.md",
    "CONTRIBUTING.md",
    "rl/**/README.md",
    "configs/README.md",
    "recipes/README.md",
    "experiments/README.md",
    "scripts/**/README.md",
)
"""Texts whose examples are tested, in the order in which they are run."""
MARK = "checked, not run"
LANGUAGES = ("sh", "python", "yaml", "text")
"""Languages of fenced blocks; `text` is output or a drawing, and no example."""
_BLOCK = re.compile(r"(?:^<!-- (?P<mark>[^>]*) -->\n)?^```(?P<language>\w*)\n(?P<code>.*?)^```", re.M | re.S)


class Example(NamedTuple):
    """A fenced block."""

    text: str
    """The text's path in the repository."""
    number: int
    """Its place among the blocks of the text."""
    language: str
    code: str
    mark: str
    """The comment on the line before it; empty without one."""

    @property
    def file(self) -> str:
        """The name of the file that it is; empty for an example that is run."""
        named = re.match(r"# (\S+\.(?:py|yaml))\n", self.code)
        return named[1] if named else ""

    @property
    def commands(self) -> list[str]:
        """The commands of a shell example, a continued line with its end."""
        lines = self.code.replace("\\\n", " ").splitlines()
        return [line for line in lines if line.strip() and not line.startswith("#")]


def texts() -> list[Path]:
    """The handbook's texts."""
    return list(dict.fromkeys(file for pattern in PATTERNS for file in sorted(ROOT.glob(pattern))))


def every_text() -> list[Path]:
    """All Markdown files of the repository."""
    hidden = {file for file in ROOT.rglob("*.md") if any(part.startswith(".") for part in file.relative_to(ROOT).parts)}
    return sorted(set(ROOT.rglob("*.md")) - hidden)


def examples(text: Path) -> list[Example]:
    """The fenced blocks of a text, in order."""
    place = text.relative_to(ROOT).as_posix()
    found = enumerate(_BLOCK.finditer(text.read_text(encoding="utf-8")))
    return [Example(place, n, block["language"], block["code"], block["mark"] or "") for n, block in found]


def prose(text: Path) -> str:
    """A text without its fenced blocks."""
    return _BLOCK.sub("", text.read_text(encoding="utf-8"))


ALL = [example for text in texts() for example in examples(text)]
"""All examples, in the order in which they are run."""

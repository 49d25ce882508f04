"""Random requests to the Gradients tab, most of them wrong: every answer must be valid JSON, and none a server error.

python scripts/faulting/requests.py ADDRESS [COUNT] [SEED]     asks a running TensorBoard and prints survived / tried
"""

import http.client
import json
import random
import sys
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple
from urllib.parse import quote, urlencode, urlsplit

PREFIX = "/data/plugin/gradients"
ROUTES = ("runs", "overview", "layers", "moment", "whatif", "folded")
_QUANTITIES = ("norm", "ratio", "cosine", "share", "conflict")
_ROWS = ("policy", "value", "entropy", "combined", "clipped", "−applied", "applied", "through_target")
_METHODS = ("GET",) * 17 + ("HEAD", "POST", "DELETE")
_FILES = ("index.js", "style.css", "../plugin.py", "%2e%2e/plugin.py", "nothing.js", "index.js%00", "", "\u00e9.js")
_WRONG = (
    *(
        "",
        "0",
        "-1",
        "1.5",
        "1e3",
        "NaN",
        "inf",
        "null",
        "true",
        "[]",
        "{}",
        "9" * 18,
        "9" * 400,
        "٣",
        " 7",
        "7\n",
        "\x00",
    ),
    *(
        "<img src=x onerror=alert(1)>",
        "'; DROP TABLE runs",
        "../../etc/passwd",
        "\udcff",
        "日本",
        "a" * 2000,
        "%",
        "+",
        "&",
    ),
)


class Asked(NamedTuple):
    """A request; the path includes the query."""

    method: str
    path: str


class Answer(NamedTuple):
    """A response: status, content type and content."""

    status: int
    kind: str
    content: bytes


class Outcome(NamedTuple):
    """The numbers of correctly answered and of all requests, and (request, what was wrong) of the others."""

    survived: int
    tried: int
    failures: list[tuple[Asked, str]]


def requests(runs: Sequence[str], *, count: int = 1000, seed: int = 0) -> Iterator[Asked]:
    """Yields `count` requests about these runs: correct ones, and ones with wrong, repeated and missing arguments."""
    chance = random.Random(seed)
    for _ in range(count):
        method = chance.choice(_METHODS)
        if chance.random() < 0.04:
            yield Asked(method, f"{PREFIX}/{quote(chance.choice(_FILES), safe='%./')}")
            continue
        route = chance.choice(ROUTES)
        arguments = [pair for pair in _arguments(route, runs, chance) if chance.random() < 0.97]
        if chance.random() < 0.05:
            arguments += chance.choices([*arguments, (_wrong(chance), _wrong(chance))], k=chance.randint(1, 40))
        query = urlencode(arguments, quote_via=quote, errors="surrogateescape")
        yield Asked(method, f"{PREFIX}/{route}" + (f"?{query}" if query else ""))


def fault(asked: Asked, answer: Answer) -> str | None:
    """What is wrong with an answer, in words; None where nothing is.

    A route answers 200 or 400 to GET and HEAD, and 405 to other methods, always with JSON without NaN and Infinity (a
    HEAD has no content). With 400 and 405 the JSON is one sentence. An unknown file of the page is 404.
    """
    route = asked.path.removeprefix(f"{PREFIX}/").split("?")[0]
    allowed = (200, 400) if asked.method in ("GET", "HEAD") else (405,)
    if route not in ROUTES:
        allowed = (200, 404, 405)
    if answer.status not in allowed:
        return f"status {answer.status}"
    if route not in ROUTES:
        return None
    if asked.method == "HEAD":
        return f"content for HEAD: {answer.content[:80]!r}" if answer.content else None
    return _fault_in_json(answer)


def _fault_in_json(answer: Answer) -> str | None:
    if not answer.kind.startswith("application/json"):
        return f"content type {answer.kind!r}"
    try:
        content = json.loads(answer.content, parse_constant=_no_constant)
    except ValueError as error:
        return f"no JSON: {error}"
    if answer.status != 200 and not (list(content) == ["error"] and content["error"].endswith(".")):
        return f"no sentence: {answer.content[:80]!r}"
    return None


def campaign(ask: Callable[[Asked], Answer], *, count: int = 1000, seed: int = 0) -> Outcome:
    """Asks for the list of runs, then sends `count` requests about them."""
    listed = json.loads(ask(Asked("GET", f"{PREFIX}/runs")).content)["runs"]
    failures = []
    for asked in requests([of["run"] for of in listed], count=count, seed=seed):
        try:
            wrong = fault(asked, ask(asked))
        except (OSError, http.client.HTTPException) as error:
            wrong = f"no answer: {type(error).__name__}: {error}"
        if wrong is not None:
            failures.append((asked, wrong))
    return Outcome(count - len(failures), count, failures)


def over_http(address: str, timeout: float = 120.0) -> Callable[[Asked], Answer]:
    """A function that sends a request to a TensorBoard at an address such as http://127.0.0.1:6006."""

    def ask(asked: Asked) -> Answer:
        connection = http.client.HTTPConnection(urlsplit(address).netloc, timeout=timeout)
        try:
            connection.request(asked.method, asked.path)
            answer = connection.getresponse()
            return Answer(answer.status, answer.headers.get("Content-Type", ""), answer.read())
        finally:
            connection.close()

    return ask


def _arguments(route: str, runs: Sequence[str], chance: random.Random) -> list[tuple[str, str]]:
    """The arguments that the route takes; every eighth has a wrong value."""
    several = chance.choices(runs, k=chance.randint(1, 12)) if runs else ["none"]
    good = {
        "points": str(chance.randint(2, 1000)),
        "quantity": chance.choice(_QUANTITIES),
        "a": chance.choice(_ROWS),
        "b": chance.choice(_ROWS),
        "step": str(chance.randint(0, 10 ** chance.randint(1, 17))),
        "scope": chance.choice(("global", "layer")),
    }
    takes = {
        "runs": (),
        "overview": ("points",),
        "layers": ("quantity", "a", "b", "points"),
        "moment": ("step",),
        "whatif": ("step", "scope"),
        "folded": ("quantity", "a", "b", "points"),
    }[route]
    many = route in ("overview", "folded")
    named = [] if route == "runs" else [("run", run) for run in (several if many else several[:1])]
    pairs = [*named, *((key, good[key]) for key in takes)]
    return [(key, _wrong(chance) if chance.random() < 0.125 else value) for key, value in pairs]


def _wrong(chance: random.Random) -> str:
    return chance.choice(_WRONG)


def _no_constant(text: str) -> None:
    raise ValueError(f"{text} is not JSON")


if __name__ == "__main__":
    address, *numbers = sys.argv[1:]
    told = campaign(over_http(address), **dict(zip(("count", "seed"), map(int, numbers), strict=False)))
    for asked, wrong in told.failures[:20]:
        print(f"{asked.method} {asked.path[:200]}: {wrong}")
    print(f"survived {told.survived} / tried {told.tried}")
    sys.exit(told.survived < told.tried)

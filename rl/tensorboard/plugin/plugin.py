"""The routes of the Gradients tab: its page, and the data of each view as JSON."""

import logging
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from tensorboard import plugin_util
from tensorboard.backend import http_util
from tensorboard.plugins import base_plugin
from werkzeug import Request as HttpRequest
from werkzeug import Response, wrappers

from rl.tensorboard.gramians import PLUGIN
from rl.tensorboard.plugin import overview, views, what_if
from rl.tensorboard.plugin.names import named
from rl.tensorboard.plugin.plain import as_json
from rl.tensorboard.plugin.request import BadRequestError, Request, check_rows
from rl.tensorboard.plugin.source import Curve, Series, Source

_LOGGER = logging.getLogger(__name__)
_STATIC = Path(__file__).parent / "static"
_KEPT_CHOICES = 8
_TYPES = {".js": "text/javascript", ".css": "text/css"}


class GradientsPlugin(base_plugin.TBPlugin):
    """Serves the page, and the data of each view.

    Route and arguments (`request.Request` has their ranges):

    /runs        the runs with Gramians
    /overview    run=… (several), points: each setting's sentence, returns, norms, cosines, conflict, shares
    /layers      run, quantity, a, b, points: a quantity in every layer over time
    /moment      run, step: the Gramians of one moment
    /whatif      run, step, scope: what every combiner would have done
    /folded      run=… (several), quantity, a, b, points: the seeds of each setting as median and quartiles

    A request that cannot be answered gets status 400 and {"error": a sentence}. An answer about several runs lists the
    problem of each run that cannot be drawn, next to the data of the others. Runs are looked up among those that
    TensorBoard has, files among those of the package: nothing in a request is used as a path.
    """

    plugin_name = PLUGIN

    def __init__(self, context: base_plugin.TBContext):
        super().__init__(context)
        self._source = Source(context.data_provider)
        self._computing = threading.Lock()
        self._computed: list[tuple[Series, str, dict[str, what_if.Choices]]] = []
        # Only these files are served; they are read once.
        self._files = {
            f"/{file.name}": (file.read_bytes(), _TYPES[file.suffix])
            for file in sorted(_STATIC.iterdir())
            if file.suffix in _TYPES
        }

    def get_plugin_apps(self) -> dict[str, Callable]:
        """{route: WSGI application}, for the views and for every static file."""
        answers = {
            "/runs": self._runs,
            "/overview": self._overview,
            "/layers": self._layers,
            "/moment": self._moment,
            "/whatif": self._what_if,
            "/folded": self._folded,
        }
        applications = {route: self._application(answer) for route, answer in answers.items()}
        return applications | {path: self._file(*content) for path, content in self._files.items()}

    def is_active(self) -> bool:
        """False: TensorBoard asks only if no run has a series of this plugin, and the tab is then hidden."""
        return False

    def frontend_metadata(self) -> base_plugin.FrontendMetadata:
        """The tab's name, and the module whose `render` TensorBoard calls."""
        return base_plugin.FrontendMetadata(es_module_path="/index.js", tab_name="Gradients")

    def _runs(self, _: Request, context: "_Context") -> Any:
        """All runs with Gramians; the page polls this route, and `version` shows which runs have new moments."""
        return {"runs": [views.listing(run, of, context.names[run]) for run, of in context.listings.items()]}

    def _overview(self, request: Request, context: "_Context") -> Any:
        """Each setting's data, without the seeds that cannot be drawn."""
        runs, points = request.runs(), request.points()
        series, returns = context.series(runs), context.returns(runs)
        settings = []
        for config, members in context.settings(runs).items():
            problems = {run: context.problem(run, series) for run in members}
            known = {run: series[run] for run in members if problems[run] is None}
            try:
                drawn = _setting(known, returns, points)
            except Exception as error:  # data that no check anticipated: the setting is drawn without that seed
                problems |= {run: _undrawable(error) for run in known if not _draws(known[run], points)}
                known = {run: seed for run, seed in known.items() if problems[run] is None}
                drawn = _setting(known, returns, points)
            listed = [{"run": run, "problem": problem} for run, problem in problems.items() if problem is not None]
            settings.append({"config": config, "runs": list(known), "problems": listed, **drawn})
        return {"settings": settings}

    def _layers(self, request: Request, context: "_Context") -> Any:
        """See `views.layers`; an answer covers one run, since runs may have different layers."""
        run, quantity, points = request.run(), request.quantity(), request.points()
        a, b = request.row_names(quantity)
        check_rows(run, context.listings[run].legend, quantity, a, b)
        return {"run": run, **views.layers(context.one(run), quantity, a, b, points)}

    def _moment(self, request: Request, context: "_Context") -> Any:
        """See `views.moment`; the newest moment by default."""
        run, step = request.run(), request.step()
        return {"run": run, **views.moment(context.one(run), step)}

    def _what_if(self, request: Request, context: "_Context") -> Any:
        """See `views.alternatives`; rejects runs beyond its limits, whose programs would take minutes or all memory."""
        run, step, scope = request.run(), request.step(), request.scope()
        legend = context.listings[run].legend
        num_groups, num_layers = len(legend.groups), len(legend.layers)
        if num_groups > what_if.MAX_GROUPS:
            limit = f"what if is computed for at most {what_if.MAX_GROUPS}"
            raise BadRequestError(f"run {run!r} has {num_groups} groups of objectives; {limit}.")
        if scope == "layer" and num_layers > what_if.MAX_LAYERS:
            limit = f"with weights for each layer what if is computed for at most {what_if.MAX_LAYERS}"
            raise BadRequestError(f"run {run!r} has {num_layers} layers; {limit}.")
        series = context.one(run)
        return {"run": run, **views.alternatives(series, self._choices(series, scope), step, scope)}

    def _choices(self, series: Series, scope: str) -> dict[str, what_if.Choices]:
        """The choices at all moments of a run, from a small cache, so that its other moments cost nothing."""
        with self._computing:
            for known, known_scope, every in self._computed:
                if known is series and known_scope == scope:
                    return every
            every = what_if.choices(series.steps, series.gramians, series.legend, scope)
            self._computed = [(series, scope, every), *self._computed[: _KEPT_CHOICES - 1]]
            return every

    def _folded(self, request: Request, context: "_Context") -> Any:
        """See `views.folded`; runs that cannot be drawn are omitted without a problem, which the Overview reports."""
        runs, quantity, points = request.runs(), request.quantity(), request.points()
        a, b = request.row_names(quantity)
        series = context.series(runs)
        settings = {
            config: {run: series[run] for run in members if run in series}
            for config, members in context.settings(runs).items()
        }
        return {"groups": views.folded({k: runs for k, runs in settings.items() if runs}, quantity, a, b, points)}

    def _application(self, answer: Callable[[Request, "_Context"], Any]) -> Callable:
        """A WSGI application that answers GET with JSON, and every failure with a status and a sentence."""

        @wrappers.Request.application
        def application(request: HttpRequest) -> Response:
            if request.method not in ("GET", "HEAD"):
                return self._error(request, f"{request.method} is not allowed here; use GET.", 405)
            try:
                with np.errstate(all="ignore"):  # undefined quantities are NaN, and null in the answer
                    context = _Context(self._source, request)
                    content = as_json(answer(Request(request.args, context.listings), context))
            except BadRequestError as error:
                return self._error(request, str(error), 400)
            except Exception as error:  # an event file may hold anything; the page still gets a sentence
                _LOGGER.exception("The Gradients tab failed to answer %s", request.path)
                return self._error(request, f"these runs cannot be drawn: {_undrawable(error)}.", 400)
            return http_util.Respond(request, content, "application/json")

        return application

    def _file(self, content: bytes, kind: str) -> Callable:
        """A WSGI application that serves one static file; browsers refuse modules without their MIME type."""

        @wrappers.Request.application
        def application(request: HttpRequest) -> Response:
            return http_util.Respond(request, content, kind)

        return application

    @staticmethod
    def _error(request: HttpRequest, sentence: str, code: int) -> Response:
        """{"error": sentence} with a status; the page shows the sentence instead of the view."""
        return http_util.Respond(request, as_json({"error": sentence}), "application/json", code=code)


class _Context:
    """The runs that TensorBoard has when a request arrives, and their names in parts."""

    def __init__(self, source: Source, request: HttpRequest):
        self._source = source
        self._context = plugin_util.context(request.environ), plugin_util.experiment_id(request.environ)
        self.listings = source.runs(*self._context)
        self.names = named(self.listings)

    def series(self, runs: list[str]) -> dict[str, Series]:
        """See `Source.series`."""
        return self._source.series(*self._context, runs, self.listings)

    def returns(self, runs: list[str]) -> dict[str, dict[str, Curve]]:
        """See `Source.returns`."""
        return self._source.returns(*self._context, runs)

    def settings(self, runs: list[str]) -> dict[str, list[str]]:
        """{setting: its runs}, in the order of the request."""
        found: dict[str, list[str]] = {}
        for run in runs:
            found.setdefault(self.names[run].config, []).append(run)
        return found

    def problem(self, run: str, series: dict[str, Series]) -> str | None:
        """Why a run cannot be drawn; None if it can."""
        return self.listings[run].problem or (None if run in series else _UNREADABLE)

    def one(self, run: str) -> Series:
        """The series of a run with at least one moment; BadRequestError otherwise."""
        series = self.series([run]).get(run)
        if series is None:
            raise BadRequestError(f"run {run!r} cannot be drawn: {_UNREADABLE}.")
        if not len(series.steps):
            raise BadRequestError(f"run {run!r} has no Gramian of the shape that its legend gives.")
        return series


_UNREADABLE = "a tensor of its event file does not decode"


def _setting(known: dict[str, Series], returns: dict[str, dict[str, Curve]], points: int) -> dict[str, Any]:
    """The data of a setting's card; empty if none of its seeds can be drawn."""
    return overview.setting(known, {run: returns[run] for run in known}, points) if known else {}


def _draws(series: Series, points: int) -> bool:
    """Whether a card can be computed from this seed alone."""
    try:
        overview.setting({"": series}, {}, points)
    except Exception:
        return False
    return True


def _undrawable(error: Exception) -> str:
    """The problem of a run whose data raise an error; the page learns only the error's class."""
    return f"its numbers cannot be drawn ({type(error).__name__})"

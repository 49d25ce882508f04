"""The tab's source on a folder of event files, read by TensorBoard's Python loader in this process."""

from pathlib import Path

from tensorboard.backend.event_processing.data_provider import MultiplexerDataProvider
from tensorboard.backend.event_processing.plugin_event_multiplexer import EventMultiplexer
from tensorboard.context import RequestContext

from rl.tensorboard.gramians import MAX_MOMENTS, PLUGIN
from rl.tensorboard.plugin.source import Listing, Series, Source


class Folder:
    """The runs of a folder as the tab gets them."""

    def __init__(self, path: Path):
        self._path, self._request = path, (RequestContext(), "")
        self._multiplexer = EventMultiplexer(tensor_size_guidance={PLUGIN: MAX_MOMENTS})
        self.provider = MultiplexerDataProvider(self._multiplexer, str(path))
        self._source = Source(self.provider)
        self.reload()

    def reload(self) -> None:
        """Looks for new runs and new events."""
        self._multiplexer.AddRunsFromDirectory(str(self._path))
        self._multiplexer.Reload()

    def listings(self) -> dict[str, Listing]:
        """The listings of all runs with Gramians."""
        return self._source.runs(*self._request)

    def series(self, *runs: str) -> dict[str, Series]:
        """The series of those of the runs that can be drawn."""
        return self._source.series(*self._request, runs, self.listings())

"""The plugin's entry point, named in pyproject.toml under `tensorboard_plugins`."""

from tensorboard.plugins import base_plugin

from rl.tensorboard.gramians import MAX_MOMENTS, PLUGIN


class Loader(base_plugin.TBLoader):
    """Creates the plugin when TensorBoard starts."""

    def fix_flags(self, flags) -> None:
        """Lets TensorBoard keep `MAX_MOMENTS` per run, unless `--samples_per_plugin` sets the plugin's number.

        Args:
            flags: TensorBoard's parsed command line, changed in place.
        """
        flags.samples_per_plugin.setdefault(PLUGIN, MAX_MOMENTS)

    def load(self, context):
        """The plugin for a `TBContext`; its modules are imported only now."""
        from rl.tensorboard.plugin.plugin import GradientsPlugin

        return GradientsPlugin(context)

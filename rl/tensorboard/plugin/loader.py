"""What TensorBoard asks for at its start."""

from tensorboard.plugins import base_plugin

from rl.tensorboard.gramians import MOST_MOMENTS, PLUGIN


class Loader(base_plugin.TBLoader):
    """Makes the plugin, and lets TensorBoard keep enough of each run."""

    def fix_flags(self, flags) -> None:
        """Keeps up to `MOST_MOMENTS` of each run, unless `--samples_per_plugin` says otherwise."""
        flags.samples_per_plugin.setdefault(PLUGIN, MOST_MOMENTS)

    def load(self, context):
        """The plugin."""
        from rl.tensorboard.plugin.plugin import GradientsPlugin

        return GradientsPlugin(context)

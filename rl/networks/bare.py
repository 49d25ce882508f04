"""A bare parameter: a weight that reads nothing, such as a temperature."""

import keras


class BareParameter(keras.layers.Layer):
    """One number, which is the part's output itself."""

    def __init__(self, name: str, initial: float):
        """initial: its initial value."""
        super().__init__(name=name)
        self.initial = initial

    def build(self, input_shape):
        """Creates the weight, []."""
        self.value = self.add_weight(name="value", shape=(), initializer=keras.initializers.Constant(self.initial))

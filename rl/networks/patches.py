"""A convolution's patches as a layer."""

import keras


class Patches(keras.layers.Layer):
    """All 3 × 3 patches of frames: [B, H, W, C] → [B, H − 2, W − 2, 9 C].

    A linear layer on the patches is a convolution with stride 1 and no padding. As a matrix product it takes a
    fraction of the time of XLA's own convolution on a CPU, and unlike that convolution it can be batched over runs.
    """

    def call(self, frames):
        """The patches, each with its entries in the order of rows, columns and channels."""
        height, width = frames.shape[1] - 2, frames.shape[2] - 2
        shifted = [frames[:, row : row + height, column : column + width] for row in range(3) for column in range(3)]
        return keras.ops.concatenate(shifted, -1)

    def compute_output_shape(self, input_shape):
        """(B, H − 2, W − 2, 9 C), for Keras' shape inference."""
        batch, height, width, channels = input_shape
        return (batch, height - 2, width - 2, 9 * channels)

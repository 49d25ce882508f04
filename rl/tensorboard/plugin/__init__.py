"""The Gradients tab: Gramians from event files, as pictures.

TensorBoard imports this package when it starts and ends if that fails, so nothing heavy is imported here; TensorFlow
only when somebody first asks what other rules would have done.
"""

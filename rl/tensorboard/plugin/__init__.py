"""The Gradients tab: a TensorBoard plugin that draws Gramians from event files.

TensorBoard imports this package when it starts, and does not start if that fails. So nothing heavy is imported here,
and TensorFlow only at the first request for the What if page.
"""

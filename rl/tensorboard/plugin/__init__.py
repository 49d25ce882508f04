"""The Gradients tab: a TensorBoard plugin that draws Gramians from event files.

TensorBoard imports this package at startup, and does not start if the import fails. Nothing heavy is therefore
imported here, and TensorFlow only at the first request for the What if page.
"""

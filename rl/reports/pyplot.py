"""Matplotlib, an optional dependency."""


def pyplot():
    """Matplotlib's pyplot with the backend that writes files and needs no display.

    Returns: None, after printing a sentence, where Matplotlib is not installed.
    """
    try:
        import matplotlib
    except ImportError:
        print("No figure: matplotlib is not installed (extra `figures`).")
        return None
    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    return plt

"""Matplotlib, where it is installed."""


def pyplot():
    """Matplotlib's pyplot, drawing to files; None, with a sentence, where it is not installed."""
    try:
        import matplotlib
    except ImportError:
        print("No figure: matplotlib is not installed (extra `figures`).")
        return None
    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    return plt

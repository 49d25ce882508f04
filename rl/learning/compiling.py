"""Compiling several programs at once, and saying how long it took."""

import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor

from rl import compilation_cache
from rl.naming import Program


def compile_together(programs: Mapping[str, tuple[Program, tuple]], say: Callable[[str], None]) -> None:
    """Traces the programs one after the other, compiles them side by side, and runs nothing.

    Each compiles in a thread of its own: the memory that a compilation leaves behind in the thread that runs the
    programs slows it down by 5 to 10 % for good.

    Args:
        programs: {name in the sentences: (program, the arguments that it is traced with)}.
        say: called with a sentence before and after.
    """
    say(f"Compiling {' and '.join(filter(None, (', '.join([*programs][:-1]), [*programs][-1])))} …")
    with ThreadPoolExecutor() as threads:
        compiling = {}
        for name, (program, arguments) in programs.items():
            began = time.perf_counter()
            program.traced(*arguments)  # Python can trace only one at a time
            compiling[name] = threads.submit(_compiled, program, arguments, began)
        seconds = ", ".join(f"{name} in {one.result():.1f} s" for name, one in compiling.items())
    say(f"From the compilation cache: {seconds}." if compilation_cache.keep() == 0 else f"Compiled {seconds}.")
    if trouble := compilation_cache.trouble():
        say(trouble)


def _compiled(program: Program, arguments: tuple, began: float) -> float:
    """Compiles, by a first call, and returns the seconds since tracing began."""
    program(*arguments)
    return time.perf_counter() - began

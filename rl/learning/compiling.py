"""Compiles several programs in parallel, and reports how long each took."""

import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor

from rl import compilation_cache
from rl.naming import Program


def compile_together(programs: Mapping[str, tuple[Program, tuple]], say: Callable[[str], None]) -> None:
    """Traces the programs one after another, then compiles them in parallel.

    Each is compiled in its own thread: memory that a compilation leaves behind in the thread that later runs the
    programs would slow that down permanently, by 5 to 10 %. A program is compiled by calling it once, so the arguments
    should make that call cheap and free of side effects; its result is discarded.

    Args:
        programs: {name for the messages: (program, arguments of the call)}; at least one.
        say: prints a message, before compilation and after it.
    """
    say(f"Compiling {' and '.join(filter(None, (', '.join([*programs][:-1]), [*programs][-1])))} …")
    with ThreadPoolExecutor() as threads:
        compiling = {}
        for name, (program, arguments) in programs.items():
            began = time.perf_counter()
            program.traced(*arguments)  # Python can trace only one at a time
            compiling[name] = threads.submit(_compiled, program, arguments, began)
        seconds = ", beside it ".join(f"{name} in {one.result():.1f} s" for name, one in compiling.items())
    say(f"From the compilation cache: {seconds}." if compilation_cache.keep() == 0 else f"Compiled {seconds}.")
    if trouble := compilation_cache.trouble():
        say(trouble)


def _compiled(program: Program, arguments: tuple, began: float) -> float:
    """Compiles a program by its first call.

    Args: began: when tracing began, in seconds of `time.perf_counter`.
    Returns: seconds since then.
    """
    program(*arguments)
    return time.perf_counter() - began

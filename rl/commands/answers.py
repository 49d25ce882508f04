"""Turns a user's mistake into one message and an exit code, without a traceback.

Exit codes: 2 where the command was refused before anything was done, 3 where training had to stop. An error of the
program itself, which no user can correct, keeps its traceback.
"""

import argparse
import os
import sys
import traceback
from collections.abc import Callable
from pathlib import Path

import hydra
import omegaconf
from hydra.errors import HydraException
from omegaconf.errors import OmegaConfBaseException

import rl
from rl.allowed import MOST
from rl.commands.unknown_keys import unknown_key

_FULL = "HYDRA_FULL_ERROR"
_OWN = str(Path(rl.__file__).parent)
_CONFIG_LIBRARIES = tuple(str(Path(package.__file__).parent) for package in (hydra, omegaconf))


def exit_code(run: Callable[[], int | None]) -> int:
    """Runs a command whose config Hydra composes; returns its exit code.

    An error in the config or in the overrides becomes one message and exit code 2. Errors of this package's own code
    are raised unchanged, and so is every error if the user has set HYDRA_FULL_ERROR.

    Args:
        run: the command; returns its exit code, None for 0.
    """
    if os.environ.get(_FULL):
        return run() or 0
    try:
        os.environ[_FULL] = "1"  # without it Hydra ends the process itself, with a traceback for most errors
        return run() or 0
    except (HydraException, OmegaConfBaseException) as error:
        return _print_error(readable(error))
    except OSError as error:
        if not _raised_in_hydra(error):
            raise
        if isinstance(error, BrokenPipeError):  # who reads the help text, such as head, has read enough
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.__stdout__.fileno())  # Python flushes what is left at its end
            return 0
        return _print_error(f"{error.filename or 'the working directory'}: {error.strerror} (hydra.run.dir).")
    except Exception as error:
        if not _raised_in_hydra(error):
            raise
        return _print_error(f"the overrides {' '.join(sys.argv[1:])} make no config: {error}.")
    finally:
        os.environ.pop(_FULL, None)


def report_errors(main: Callable[[], int | None]) -> None:
    """Runs a command's main function and ends the process with its exit code; a mistake becomes one message.

    For the commands that parse their arguments themselves. The exit code is 2 for input that cannot be used
    (ConfigError, LeakError, an error of Hydra or of the operating system), 3 for a TrainingError, and 1 where the
    reader of the output closed the pipe.
    """
    from rl.errors import ConfigError, TrainingError
    from rl.gradients import LeakError

    try:
        code = main() or 0
    except (ConfigError, LeakError) as error:
        code = _print_error(str(error))
    except TrainingError as error:
        code = _print_error(str(error), code=3)
    except (HydraException, OmegaConfBaseException) as error:
        code = _print_error(readable(error))
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # the interpreter's last flush must not fail
        code = 1
    except OSError as error:
        code = _print_error(f"{error.filename or 'a file'}: {error.strerror or error}.")
    sys.exit(code)


def positive(text: str) -> int:
    """The argparse type of an integer ≥ 1."""
    return _whole(text, least=1)


def not_negative(text: str) -> int:
    """The argparse type of an integer ≥ 0."""
    return _whole(text, least=0)


def _whole(text: str, *, least: int) -> int:
    """Parses an integer ≥ `least`. Raises: ArgumentTypeError, with the allowed range, for any other text."""
    if not text.isdecimal() or not least <= int(text) <= MOST:
        raise argparse.ArgumentTypeError(f"{text!r} is no whole number from {least} to {MOST:,}")
    return int(text)


def add_trust(parser: argparse.ArgumentParser) -> None:
    """Adds `--trust PACKAGE` (`arguments.trust`, a list): the config of a run directory may name code of this package.

    A run directory may come from anyone, and its config names what is imported and called. Without the option, only
    this package's own classes and functions are called, and only those that are meant for configs.
    """
    parser.add_argument(
        "--trust",
        action="append",
        default=[],
        metavar="PACKAGE",
        help="a package, besides this one, whose code the run's config may import and call; may be given several times",
    )


def readable(error: Exception) -> str:
    """The lines of a message that help a user.

    A key that the config lacks is answered by the nearest one. Of other messages OmegaConf's types, Hydra's search
    path, and options that begin with `_`, which only others build on, are removed.
    """
    unknown = unknown_key(str(error), sys.argv[1:])
    if unknown is not None:
        return unknown
    internal = ("object_type=", "reference_type=", "_")
    message = str(error).split("Config search path:")[0]
    return "\n".join(line for line in message.splitlines() if not line.strip().startswith(internal)).strip()


def _print_error(message: str, *, code: int = 2) -> int:
    """Prints `error: <message>` to standard error; returns the exit code."""
    print(f"error: {message}", file=sys.stderr)
    return code


def _raised_in_hydra(error: BaseException) -> bool:
    """Whether Hydra or OmegaConf raised an error: of their frames and this package's, the innermost is theirs."""
    frames = [frame.filename for frame in traceback.extract_tb(error.__traceback__)]
    known = [name for name in frames if name.startswith((*_CONFIG_LIBRARIES, _OWN))]
    return bool(known) and known[-1].startswith(_CONFIG_LIBRARIES)

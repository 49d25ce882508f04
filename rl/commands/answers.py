"""How a command ends on a mistake of its user: one message and an exit code, without a traceback."""

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

_FULL = "HYDRA_FULL_ERROR"
_SCRIPTS = Path(__file__).resolve().parent
_OURS = str(Path(rl.__file__).parent)
_CONFIG_PACKAGES = tuple(str(Path(package.__file__).parent) for package in (hydra, omegaconf))


def answered(run: Callable[[], int | None]) -> int:
    """The exit code of a command that Hydra composes a config for: 2, and a message, for a config that it cannot use.

    Where the user has set HYDRA_FULL_ERROR, errors are raised as they are.
    """
    if os.environ.get(_FULL):
        return run() or 0
    try:
        os.environ[_FULL] = "1"  # without it Hydra ends the process itself, with a traceback for most errors
        return run() or 0
    except (HydraException, OmegaConfBaseException) as error:
        return _said(_message(error))
    except OSError as error:
        if not _raised_in_hydra(error):
            raise
        return _said(f"{error.filename or 'the working directory'}: {error.strerror} (hydra.run.dir).")
    except Exception as error:
        if not _raised_in_hydra(error):
            raise
        return _said(f"the overrides {' '.join(sys.argv[1:])} make no config: {error}.")
    finally:
        os.environ.pop(_FULL, None)


def report_errors(main: Callable[[], int | None]) -> None:
    """Runs a script's main function; what the user can mend is one message.

    The exit code is 2 for what was asked, 3 for what went wrong later.
    """
    from rl.errors import ConfigError, TrainingError
    from rl.gradients import LeakError

    try:
        code = main() or 0
    except (ConfigError, LeakError) as error:
        code = _said(str(error))
    except TrainingError as error:
        code = _said(str(error), code=3)
    except (HydraException, OmegaConfBaseException) as error:
        code = _said(_message(error))
    except BrokenPipeError:  # whoever read the output has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        code = 1
    except OSError as error:
        code = _said(f"{error.filename or 'a file'}: {error.strerror or error}.")
    sys.exit(code)


def positive(text: str) -> int:
    """A whole number from 1 on, as an option of a command line."""
    return _whole(text, least=1)


def not_negative(text: str) -> int:
    """A whole number from 0 on, as an option of a command line."""
    return _whole(text, least=0)


def _whole(text: str, *, least: int) -> int:
    if not text.isdecimal() or not least <= int(text) <= MOST:
        raise argparse.ArgumentTypeError(f"{text!r} is no whole number from {least} to {MOST:,}")
    return int(text)


def add_trust(parser: argparse.ArgumentParser) -> None:
    """The option that says whose code a run directory's config may name."""
    parser.add_argument(
        "--trust",
        action="append",
        default=[],
        metavar="PACKAGE",
        help="a package whose code the run's config may call and import, besides this one's; may be given for each",
    )


def _message(error: Exception) -> str:
    """The lines of the message that are for people: no types of OmegaConf's, no choices that only others build on."""
    internal = ("object_type=", "reference_type=", "_")
    message = str(error).split("Config search path:")[0]
    return "\n".join(line for line in message.splitlines() if not line.strip().startswith(internal)).strip()


def _said(message: str, *, code: int = 2) -> int:
    print(f"error: {message}", file=sys.stderr)
    return code


def _raised_in_hydra(error: BaseException) -> bool:
    """Whether the last function of Hydra's, OmegaConf's or ours on the way to it was not ours."""
    frames = [frame.filename for frame in traceback.extract_tb(error.__traceback__)]
    known = [name for name in frames if name.startswith((*_CONFIG_PACKAGES, _OURS)) or Path(name).parent == _SCRIPTS]
    return bool(known) and known[-1].startswith(_CONFIG_PACKAGES)

"""The kinds of faults of a campaign, by name, in the order in which they are tried."""

from collections.abc import Callable

from faulting.bad_environments import BadEnvironments
from faulting.campaign import Kind, Setting
from faulting.damaged_files import DamagedFiles
from faulting.disks import Disks
from faulting.inputs import Inputs
from faulting.operation_kills import OperationKills
from faulting.random_kills import RandomKills
from faulting.signals import Signals
from faulting.tab_requests import TabRequests

KINDS: dict[str, Callable[[Setting], Kind]] = {
    "kill-random": RandomKills,
    "kill-operation": OperationKills,
    "signals": Signals,
    "disks": Disks,
    "damaged": DamagedFiles,
    "environments": BadEnvironments,
    "inputs": Inputs,
    "requests": TabRequests,
}

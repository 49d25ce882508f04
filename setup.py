"""Builds the package that pyproject.toml describes, with `configs/` packed into it as `rl.configs`."""

from setuptools import find_packages, setup

setup(
    packages=[*find_packages(include=["rl", "rl.*"]), "rl.configs"],
    package_dir={"rl.configs": "configs"},
    package_data={
        "rl.configs": ["**/*.yaml"],
        "rl.tensorboard.plugin": ["static/*"],
        "rl.reports": ["*.css"],
    },
)

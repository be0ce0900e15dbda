"""The wheel's packages: all that are found, and the shipped checkpoints as pneumo_core/shipped."""

from setuptools import find_packages, setup

setup(
    packages=[*find_packages(include=["pneumo_core*"]), "pneumo_core.shipped"],
    package_dir={"pneumo_core.shipped": "checkpoints"},
)

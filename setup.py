"""The wheel's packages: all that are found, the shipped checkpoints, and the dashboard's pages."""

import shutil
from pathlib import Path

from setuptools import find_packages, setup
from setuptools.command.build_py import build_py

PAGES = ("streamlit_app.py", "pages/*.py", ".streamlit/config.toml")
SITE = Path("pneumo_core") / "app" / "site"


class BuildWithPages(build_py):
    """Copies the pages, which Streamlit wants at the top of a clone, into the installed package."""

    def run(self) -> None:
        super().run()
        if self.editable_mode:
            return
        for pattern in PAGES:
            for file in Path().glob(pattern):
                target = Path(self.build_lib) / SITE / file
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(file, target)


setup(
    packages=[*find_packages(include=["pneumo_core*"]), "pneumo_core.shipped"],
    package_dir={"pneumo_core.shipped": "checkpoints"},
    cmdclass={"build_py": BuildWithPages},
)

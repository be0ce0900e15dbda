"""``python -m supply lock|audit TOOLS``: what ``make lock`` and ``make audit`` do.

``TOOLS``: the folder that holds uv, pip-audit, pip-licenses and cyclonedx-py.
"""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

from supply.licences import EXCEPTIONS, installed, refused

ROOT = Path(__file__).resolve().parents[1]
LOCK = ROOT / "requirements.lock"
LOCKED = ("requirements.txt", "requirements-gateway.txt")
SBOM = ROOT / "dist" / "sbom.cdx.json"
_HEAD = """\
# Everything that requirements.txt and requirements-gateway.txt bring, pinned with hashes, for
# Python 3.11 and later on every system; 'make lock' writes it. To install exactly this:
#     pip install --require-hashes -r requirements.lock
# The hashes are those of the ordinary builds on the public index. A build of torch for the CPU only
# has other hashes, and pip refuses it then: 'make app' installs requirements.txt, which takes both.
"""
_UNREACHABLE = re.compile(
    r"ConnectionError|Connection refused|Max retries|NameResolution|timed out"
    r"|ServiceError|ConnectTimeout|Name or service",
    re.IGNORECASE,
)


def main(task: str, tools: Path) -> int:
    return {"lock": lock, "audit": audit}[task](tools)


def lock(tools: Path) -> int:
    """Resolve the requirements anew and write the lock."""
    command = [tools / "uv", "pip", "compile", "--quiet", "--universal", "--generate-hashes"]
    command += ["--no-emit-index-url", "--no-header", "--python-version", "3.11"]
    done = subprocess.run(
        [*command, *LOCKED], cwd=ROOT, stdout=subprocess.PIPE, text=True, check=False
    )
    if done.returncode == 0:
        LOCK.write_text(_HEAD + done.stdout, encoding="utf-8")
        print(f"{len(re.findall('^[a-z].*==', done.stdout, re.M))} packages are pinned.")
    return done.returncode


def audit(tools: Path) -> int:
    """Known vulnerabilities of what is locked, then licences and an SBOM of what is installed."""
    vulnerable = _vulnerabilities(tools)
    packages = installed(tools)
    wrong = refused(packages)
    for sentence in wrong:
        print(sentence)
    for name, why in EXCEPTIONS.items():
        print(f"{name} is an exception: {why}")
    print(f"Licences of {len(packages)} installed packages: {len(wrong)} may not come along.")
    print(f"{sbom(tools)} components are listed in {SBOM.relative_to(ROOT)} (CycloneDX).")
    return 1 if wrong or vulnerable else 0


def sbom(tools: Path) -> int:
    """Write a software bill of materials of what is installed; return how much it lists."""
    SBOM.parent.mkdir(exist_ok=True)
    command = [tools / "cyclonedx-py", "environment", "--output-reproducible", "--short-PURLs"]
    command += ["--mc-type", "application", "--pyproject", ROOT / "pyproject.toml"]
    subprocess.run([*command, "--output-file", SBOM, sys.executable], check=True)
    return len(json.loads(SBOM.read_text(encoding="utf-8"))["components"])


def _vulnerabilities(tools: Path) -> bool:
    """Whether any is known; what can't be asked is said, and counts as nothing known."""
    command = [tools / "pip-audit", "--disable-pip", "--no-deps", "--progress-spinner=off"]
    done = subprocess.run(
        [*command, "--timeout=20", "--format=json", "-r", LOCK],
        capture_output=True,
        text=True,
        check=False,
        env=os.environ | {"PYTHONWARNINGS": "ignore"},
    )
    if not done.stdout.strip():
        reason = (done.stderr.strip().splitlines() or ["it said nothing"])[-1]
        print(f"The advisory database can't be asked, so nothing is known: {reason}")
        return not _UNREACHABLE.search(done.stderr)
    packages = json.loads(done.stdout)["dependencies"]
    unknown = [each["name"] for each in packages if "skip_reason" in each]
    known = [(each, hole) for each in packages for hole in each.get("vulns", [])]
    for each, hole in known:
        better = ", ".join(hole["fix_versions"]) or "no version yet"
        print(f"{each['name']} {each['version']}: {hole['id']}, mended in {better}.")
    asked = len(packages) - len(unknown)
    print(f"Vulnerabilities known of {asked} of {len(packages)} locked packages: {len(known)}.")
    if unknown:
        print(
            f"The advisory database gave no answer for {len(unknown)}: nothing is known of them. "
            "Ask again where the public index can be reached."
        )
    return bool(known)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], Path(sys.argv[2]).absolute()))

"""`make audit`: the code against known mistakes, the packages against known faults.

The first works anywhere. The second asks the public list of faults, and says so when it cannot.
"""

import json
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
# The linter holds these three too (S108, S608, S704), with a reason at each place.
_HELD_ELSEWHERE = "B108,B608,B704"
_SECONDS = 120


def audit_code() -> bool:
    """Bandit over what is deployed; everything of medium severity and above counts."""
    command = [sys.executable, "-m", "bandit", "--quiet", "-ll", "--skip", _HELD_ELSEWHERE]
    done = subprocess.run([*command, "-r", "app", "deploy", "worker.py", "wsgi.py"], cwd=ROOT)
    print(f"code: {'nothing found' if done.returncode == 0 else 'see above'}")
    return done.returncode == 0


def audit_packages() -> bool:
    """pip-audit over what is pinned; True also when the list of faults cannot be reached."""
    command = [sys.executable, "-m", "pip_audit", "--no-deps", "--disable-pip", "--format", "json"]
    try:
        done = subprocess.run(
            [*command, "-r", "requirements.txt"],
            cwd=ROOT,
            capture_output=True,
            text=True,
            timeout=_SECONDS,
        )
        found = json.loads(done.stdout)["dependencies"]
    except (subprocess.TimeoutExpired, ValueError, KeyError):
        print("packages: skipped, the list of known faults cannot be reached from here")
        return True
    faults = [
        f"{package['name']} {package['version']}: {fault['id']}"
        for package in found
        for fault in package.get("vulns", [])
    ]
    unknown = [package["name"] for package in found if "skip_reason" in package]
    if len(unknown) == len(found):
        print("packages: skipped, the list of known faults cannot be reached from here")
        return True
    print("\n".join(faults))
    print(f"packages: {len(faults)} known faults in {len(found) - len(unknown)} packages")
    if unknown:
        print(f"packages: not in the list: {', '.join(unknown)}")
    return not faults


if __name__ == "__main__":
    # Both, whatever the first says.
    sys.exit(0 if all([audit_code(), audit_packages()]) else 1)

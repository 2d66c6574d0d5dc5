"""Ask which installed packages have known vulnerabilities, and fail on those that an update would remove.

- An advisory with a fixed version fails: move ``exclude-newer`` in pyproject.toml past it, with the tests green. Where
  that must wait, name it in ``ACCEPTED`` with the reason.
- An advisory without a fixed version is printed: nothing in this repository can answer it, and a gate that is closed
  for that reason would be opened for good.
- If the vulnerability service or the package index cannot be asked, that is printed: it says nothing of the code.
"""

import json
import subprocess
import sys
from collections.abc import Mapping, Sequence
from typing import Any

ACCEPTED: Mapping[str, str] = {}
"""Advisory, such as ``GHSA-...`` or ``CVE-...``, to the reason why its fix is not taken yet."""
COMMAND = (sys.executable, "-m", "pip_audit", "--local", "--skip-editable", "--progress-spinner=off", "--format=json")
SECONDS = 300


def main() -> int:
    """Print what is known of the installed packages; return 1 if an update would remove a vulnerability, else 0."""
    try:
        done = subprocess.run(COMMAND, capture_output=True, text=True, timeout=SECONDS, check=False)
        packages = json.loads(done.stdout)["dependencies"]
    except subprocess.TimeoutExpired:
        print(f"not audited: the vulnerability service did not answer within {SECONDS} seconds")
        return 0
    except (ValueError, KeyError):
        reason = (done.stderr.strip() or "no reason was given").splitlines()[-1]
        print(f"not audited: {reason}")
        return 0
    lines, failed = judge(packages)
    print("\n".join(lines))
    return int(failed)


def judge(packages: Sequence[Mapping[str, Any]]) -> tuple[list[str], bool]:
    """Return what to say of the packages of a report, and whether that fails."""
    lines, failed = [], False
    for package in packages:
        for advisory in package.get("vulns", ()):
            names = {advisory["id"], *advisory.get("aliases", ())}
            reason = next((ACCEPTED[name] for name in sorted(names) if name in ACCEPTED), None)
            fixes = advisory.get("fix_versions") or ()
            if not fixes:
                what = "no version without it yet"
            elif reason is not None:
                what = f"accepted: {reason}"
            else:
                what, failed = f"FAILS: fixed in {', '.join(fixes)}", True
            lines.append(f"{package['name']} {package['version']}: {advisory['id']}: {what}")
    skipped = sum("skip_reason" in package for package in packages)
    lines.append(f"{len(packages) - skipped} of {len(packages)} packages could be audited")
    return lines, failed


if __name__ == "__main__":
    sys.exit(main())

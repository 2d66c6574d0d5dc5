"""The published results, all written from the launches that the repository holds.

python -m benchmarks.results                          # the pages, the ledger of claims and the README's table
python -m benchmarks.results keep runs/wgan-clip/...  # take a launch in, in place of an earlier one of its profile
python -m benchmarks.results check                    # say what is not as it would be written; exit code 1
"""

import argparse
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

import study
from benchmarks.results import archive, page, readme
from study.audit.claims import Finding, collect
from study.audit.claims_page import markdown
from study.files import write_text
from study.launch import Launch
from study.storage.store import Store
from study.studies import studies


def texts(folder: Path = archive.FOLDER) -> dict[Path, str]:
    """Return every file that is written from the archives, with its text."""
    found: dict[Path, str] = {}
    pages = folder.parent / "studies"
    with TemporaryDirectory() as temporary:
        runs, others = Path(temporary) / "runs", Path(temporary) / "others"
        runs.mkdir()
        first: Launch | None = None
        for path in archive.archives(folder):
            name = path.name.removesuffix(archive.SUFFIX)
            launch = study.load(archive.unpack(path, runs if archive.study_of(path) in studies() else others).root)
            found[pages / f"{name}.md"] = page.page(launch, name)
            found[pages / f"{name}.svg"] = page.figure(launch, Path(temporary))
            first = launch if path.name == readme.FIRST else first
        ledger = collect(runs)
        found[folder.parent / "claims.md"] = markdown(ledger, _linked)
        if first is not None:
            found[readme.README] = readme.replaced(readme.README.read_text(encoding="utf-8"), first, ledger)
    return found


def _linked(finding: Finding) -> str:
    return f"[{finding.launch}](studies/{finding.root.parent.name}-{finding.profile}.md)"


def stale() -> list[Path]:
    """Return the files that are not as they would be written."""
    return [path for path, text in texts().items() if not path.exists() or path.read_text(encoding="utf-8") != text]


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.results", description=__doc__)
    parser.add_argument("what", nargs="?", choices=("write", "keep", "check"), default="write")
    parser.add_argument("launches", nargs="*", type=Path, help="with keep: folders of launches")
    parser.add_argument("--records-alone", action="store_true", help="with keep: without traces")
    options = parser.parse_intermixed_args()
    if options.what == "check":
        found = stale()
        for path in found:
            print(f"{path} is not as python -m benchmarks.results writes it")
        return bool(found)
    for launch in options.launches:
        try:
            print(f"kept     {archive.pack(Store(launch), traces=not options.records_alone)}")
        except ValueError as error:
            print(f"error: {error}", file=sys.stderr)
            return 2
    for path, text in texts().items():
        write_text(path, text)
        print(f"written  {path}")
    return 0


if __name__ == "__main__":
    sys.exit(main())

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
    """Return every file that is written from the archives, with its text.

    Raises:
        ValueError: if an archive has another name than its launch gives it, or is not fit to be published.
    """
    found: dict[Path, str] = {}
    pages = folder.parent / "studies"
    with TemporaryDirectory() as temporary:
        runs, others = Path(temporary) / "runs", Path(temporary) / "others"
        runs.mkdir()
        first: Launch | None = None
        for path in archive.archives(folder):
            name = path.name.removesuffix(archive.SUFFIX)
            store = archive.unpack(path, runs if archive.study_of(path) in studies() else others)
            if path.name != archive.name_of(store):
                raise ValueError(f"{path} must have the name of its launch, {archive.name_of(store)}")
            for sentence in archive.wrong(store):
                raise ValueError(f"{path} {sentence}")
            launch = study.load(store.root)
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


def stale(folder: Path = archive.FOLDER) -> list[Path]:
    """Return the files that are not as they would be written, and pages of launches that there are not."""
    due = texts(folder)
    changed = [path for path, text in due.items() if not path.exists() or path.read_text(encoding="utf-8") != text]
    return changed + sorted(path for path in (folder.parent / "studies").glob("*") if path not in due)


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.results", description=__doc__)
    parser.add_argument("what", nargs="?", choices=("write", "keep", "check"), default="write")
    parser.add_argument("launches", nargs="*", type=Path, help="with keep: folders of launches")
    parser.add_argument("--records-alone", action="store_true", help="with keep: without traces")
    options = parser.parse_intermixed_args()
    try:
        if options.what == "check":
            found = stale()
            for path in found:
                print(f"{path} is not as python -m benchmarks.results writes it")
            return bool(found)
        refused = _kept(options.launches, traces=not options.records_alone)
        for path, text in texts().items():
            write_text(path, text)
            print(f"written  {path}")
    except ValueError as error:
        refused = [str(error)]
    for sentence in refused:
        print(f"error: {sentence}", file=sys.stderr)
    return 2 if refused else 0


def _kept(launches: list[Path], *, traces: bool) -> list[str]:
    """Take launches in, and return a sentence for each that cannot be."""
    refused = []
    for launch in launches:
        try:
            print(f"kept     {archive.pack(Store(launch), traces=traces)}")
        except ValueError as error:
            refused.append(str(error))
    return refused


if __name__ == "__main__":
    sys.exit(main())

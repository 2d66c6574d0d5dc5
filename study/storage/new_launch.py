"""The folder of a new launch: under an id that no other launch has, and not there before its plan is in it."""

import shutil
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import replace
from itertools import count
from pathlib import Path

from study.design.plan import Plan
from study.storage import lock
from study.storage.lookup import check_writable
from study.storage.store import Store


@contextmanager
def placed(plan: Plan, out: Path) -> Iterator[tuple[Plan, Store]]:
    """Yield the plan and its folder of ``out``, under a free id: with ``-2`` at its end if another launch has it.

    The folder is a draft until :meth:`Store.create`, and is held by this process. A launch that was never created
    leaves nothing behind.

    Raises:
        ValueError: if the folder cannot be made.
    """
    for number in count(1):
        named = plan if number == 1 else replace(plan, launch=f"{plan.launch}-{number}")
        store = Store(out / plan.study / named.launch)
        with ExitStack() as stack:
            if store.root.exists() or not _drafted(store, stack):
                continue
            yield named, store
            return


def _drafted(store: Store, stack: ExitStack) -> bool:
    """Make the draft of a launch and hold its lock; return whether the id is still free then."""
    draft = store.draft
    made = [folder for folder in (draft.parent, *draft.parent.parents) if not folder.exists()]
    stack.callback(_remove_empty, made)
    try:
        draft.mkdir(parents=True, exist_ok=True)
        stack.enter_context(_held(store))
    except lock.InUse:  # another process is making it
        return False
    except FileNotFoundError:  # another process has just given it up, or it cannot be made
        check_writable(store.out)
        return False
    except OSError as error:
        raise ValueError(f"--out must be a writable folder, got {store.out}: {error.strerror}") from None
    return not store.root.exists()


@contextmanager
def _held(store: Store) -> Iterator[None]:
    """Hold the lock of the draft, which moves along when the draft becomes the launch; remove a draft that is left."""
    with lock.held(store.draft, store.root):
        try:
            yield
        finally:
            shutil.rmtree(store.draft, ignore_errors=True)


def _remove_empty(folders: list[Path]) -> None:
    for folder in folders:
        with suppress(OSError):  # somebody else has put something into it
            folder.rmdir()

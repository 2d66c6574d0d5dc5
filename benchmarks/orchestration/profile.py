"""Where the threads of this process spend CPU time: samples of their stacks, each weighted by its thread's clock."""

import sys
import threading
import time
from collections import Counter
from pathlib import Path

_SECONDS = 0.02


class Sampler:
    """Looks at all threads 50 times a second, from a thread of its own, until :meth:`write`."""

    def __init__(self) -> None:
        self._seconds: Counter[str] = Counter()
        self._used: dict[int, float] = {}
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._work, name="sampler", daemon=True)
        self._thread.start()

    def write(self, path: Path) -> None:
        """Write the stacks as text, one a line with its seconds behind it, the dearest first."""
        self._stop.set()
        self._thread.join()
        path.parent.mkdir(parents=True, exist_ok=True)
        lines = [f"{stack} {seconds:.3f}\n" for stack, seconds in self._seconds.most_common() if seconds > 0]
        path.write_text("".join(lines), "utf-8")

    def _work(self) -> None:
        own = threading.get_ident()
        while not self._stop.wait(_SECONDS):
            names = {thread.ident: thread.name for thread in threading.enumerate()}
            for thread, frame in sys._current_frames().items():
                if thread == own or thread not in names:
                    continue
                try:
                    used = time.clock_gettime(time.pthread_getcpuclockid(thread))
                except OSError:  # it has just ended
                    continue
                places: list[str] = []
                while frame is not None:
                    places.append(f"{frame.f_globals.get('__name__', '?')}.{frame.f_code.co_qualname}")
                    frame = frame.f_back
                self._seconds[";".join((names[thread], *reversed(places)))] += used - self._used.get(thread, 0.0)
                self._used[thread] = used

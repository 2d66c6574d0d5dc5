"""The reaper outlives the process that made it, and a dismissed one harms nobody."""

import subprocess
import sys

from study.reaper import Reaper

KILLED = """
import os, sys
from study.reaper import Reaper
Reaper([int(sys.argv[1])], grace=0)
os.kill(os.getpid(), 9)
"""


def test_what_a_killed_process_leaves_behind_is_ended() -> None:
    helper = subprocess.Popen(["/bin/sleep", "600"])
    subprocess.run([sys.executable, "-c", KILLED, str(helper.pid)], check=False)
    assert helper.wait(timeout=30) == -9


def test_a_dismissed_reaper_kills_nothing() -> None:
    helper = subprocess.Popen(["/bin/sleep", "600"])
    reaper = Reaper([helper.pid], grace=0)
    reaper.dismiss()
    assert helper.poll() is None
    helper.kill()
    helper.wait()

"""One thread per process: small tensors on several threads beside another busy process can take minutes for seconds.

And no deadline for a single example of a property: a busy machine is no failure.
"""

import os

from hypothesis import settings

os.environ.setdefault("OMP_NUM_THREADS", "1")
settings.register_profile("busy", deadline=None)
settings.load_profile("busy")

"""One thread per process: small tensors on several threads beside another busy process can take minutes for seconds."""

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")

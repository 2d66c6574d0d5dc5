"""Which block is trained next, what became of it, and the driver that runs it on Ray."""

import os

# Ray reads these when it is imported, which only modules of this package do.
os.environ.setdefault("RAY_CLIENT_MAX_CONNECTION_TIMEOUT_S", "5")  # of each of three tries to join a cluster
os.environ.setdefault("RAY_ENABLE_UV_RUN_RUNTIME_ENV", "0")  # uv run: workers use this environment, not a second one
os.environ.setdefault("RAY_AIR_NEW_OUTPUT", "0")  # its banner ignores verbose=0; the terminal is ours
os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")  # a block that asks for no GPU hides none
os.environ.setdefault("RAY_CHDIR_TO_TRIAL_DIR", "0")  # relative data folders mean what they mean to the user
os.environ.setdefault("RAY_agent_register_timeout_ms", "180000")  # a busy machine starts Ray's helpers slowly
os.environ.setdefault("RAY_gcs_server_port_wait_time_s", "180")
os.environ.setdefault("TUNE_GLOBAL_CHECKPOINT_S", "inf")  # its state of all trials, from which nothing is restored
os.environ.setdefault("TUNE_DISABLE_AUTO_CALLBACK_LOGGERS", "1")
os.environ.setdefault("TUNE_WARN_EXCESSIVE_EXPERIMENT_CHECKPOINT_SYNC_THRESHOLD_S", "0")

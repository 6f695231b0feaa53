"""The fixtures `scripted_server`, `door` and `llama` are the package's own."""

import signal

pytest_plugins = ["lexilux_like.testing.plugin"]

# Shells start jobs in the background with Ctrl-C ignored, and child processes inherit that.
signal.signal(signal.SIGINT, signal.default_int_handler)

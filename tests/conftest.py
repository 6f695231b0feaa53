"""The fixtures `scripted_server`, `door` and `llama` are the package's own."""

pytest_plugins = ["lexilux_like.testing.plugin"]

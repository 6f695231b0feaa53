# /// script
# dependencies = ["lexilux_like", "httpx2"]
# [tool.benchmark]
# place = 32
# title = "lexilux_like (your httpx2)"
# distribution = "lexilux_like"
# ///
"""lexilux_like over an httpx2 client of the user's own."""

import httpx2
from child import TIMEOUT_S, serve
from ours import client

if __name__ == "__main__":
    serve(
        client(
            http_client=httpx2.Client(timeout=TIMEOUT_S),
            async_http_client=httpx2.AsyncClient(timeout=TIMEOUT_S),
        )
    )

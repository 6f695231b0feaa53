# /// script
# dependencies = ["lexilux_like"]
# [tool.benchmark]
# place = 30
# title = "lexilux_like (httpx)"
# distribution = "lexilux_like"
# imports = "import lexilux_like"
# makes = "lexilux_like.Chat(base_url='http://127.0.0.1:9/v1', model='m', engine='httpx')"
# ///
"""lexilux_like on its engine "httpx"."""

from child import serve
from ours import client

if __name__ == "__main__":
    serve(client(engine="httpx"))

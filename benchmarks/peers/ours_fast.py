# /// script
# dependencies = ["lexilux_like[fast]"]
# [tool.benchmark]
# place = 31
# title = "lexilux_like (fast)"
# distribution = "lexilux_like"
# imports = "import lexilux_like"
# makes = "lexilux_like.Chat(base_url='http://127.0.0.1:9/v1', model='m', engine='fast')"
# ///
"""lexilux_like on its engine "fast"."""

from child import serve
from ours import client

if __name__ == "__main__":
    serve(client(engine="fast"))

# /// script
# dependencies = ["httpx>=0.28,<1"]
# [tool.benchmark]
# place = 20
# title = "httpx + json"
# distribution = "httpx"
# imports = "import httpx"
# makes = "httpx.Client()"
# ///
"""httpx and the json module, as one writes it by hand."""

import httpx
from child import serve
from over_httpx import client

if __name__ == "__main__":
    serve(client(httpx))

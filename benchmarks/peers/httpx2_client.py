# /// script
# dependencies = ["httpx2"]
# [tool.benchmark]
# place = 21
# title = "httpx2 + json"
# distribution = "httpx2"
# imports = "import httpx2"
# makes = "httpx2.Client()"
# ///
"""httpx2 and the json module, as one writes it by hand."""

import httpx2
from child import serve
from over_httpx import client

if __name__ == "__main__":
    serve(client(httpx2))

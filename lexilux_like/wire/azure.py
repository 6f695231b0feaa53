"""Azure's URLs: https://learn.microsoft.com/azure/foundry/openai/api-version-lifecycle."""

from __future__ import annotations

from urllib.parse import quote, urlsplit

PATH = "chat/completions"


def azure_path(base_url: str, model: str, api_version: str | None) -> str:
    """The path of a request, with its query.

    With an `api_version` it is the older API's, whose path names the deployment; without one the
    v1 API's. A base_url that leads into one of them is gone on from as it is.

    Args:
        base_url: The resource, `https://res.openai.azure.com`, or a root below it.
        model: The deployment.
        api_version: Such as `"2024-10-21"`.
    """
    root = urlsplit(base_url).path.rstrip("/")
    query = "" if api_version is None else f"?api-version={quote(api_version, safe='')}"
    if root.endswith(("/openai/v1", "/models")) or "/deployments/" in root:
        return PATH + query
    root = f"{root.removesuffix('/openai')}/openai"
    if api_version is None:
        return f"{root}/v1/{PATH}"
    return f"{root}/deployments/{quote(model, safe='')}/{PATH}{query}"

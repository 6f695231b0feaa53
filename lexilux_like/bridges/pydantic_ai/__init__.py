"""A `Chat` as a model of pydantic-ai, for its agents: `Agent(LexiluxModel(chat))`.

Needs `pip install "lexilux_like[pydantic-ai]"`.
"""

try:
    from .model import LexiluxModel
    from .settings import LexiluxModelSettings
except ImportError as error:  # also of a pydantic-ai that is too old
    problem = 'LexiluxModel needs a recent pydantic-ai: pip install "lexilux_like[pydantic-ai]"'
    raise ImportError(problem) from error

__all__ = ["LexiluxModel", "LexiluxModelSettings"]

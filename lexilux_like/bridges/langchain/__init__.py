"""A `Chat` as a LangChain chat model: `ChatLexilux(provider="deepseek", model="deepseek-chat")`.

Needs `pip install "lexilux_like[langchain]"`.
"""

try:
    from .model import ChatLexilux
except ImportError as error:  # also of a LangChain that is too old
    problem = 'ChatLexilux needs a recent LangChain: pip install "lexilux_like[langchain]"'
    raise ImportError(problem) from error

__all__ = ["ChatLexilux"]

"""How it gets there: the only floor that does I/O or knows threads, asyncio, clocks and httpx."""

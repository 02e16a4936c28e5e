"""`python -m bench.chat`: the local Bot API server in its own process; prints its address as a JSON line."""

import asyncio
import json
import signal

from local_telegram.room import OWNER, Room
from local_telegram.server import running_chat


async def serve() -> None:
    """Serves until SIGTERM or SIGINT."""
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    async with running_chat(Room()) as chat:
        line = {"api_url": chat.api_url, "token": chat.token, "chat_id": OWNER.user_id}
        print(json.dumps(line), flush=True)
        await stop.wait()


if __name__ == "__main__":
    asyncio.run(serve())

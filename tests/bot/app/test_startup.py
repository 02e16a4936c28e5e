"""The start of the whole program, in its own process."""

from decimal import Decimal

import httpx

from tests.ring import Ring

SECRET = "a secret of many letters"


async def test_a_program_whose_signals_come_over_http_alone_goes_on(ring: Ring) -> None:
    program = await ring.run(KAFKA_BROKER="", WEBHOOK_SECRET=SECRET)
    await ring.told("🚀 MarketFlow started")
    url = f"http://127.0.0.1:{program.settings['HTTP_PORT']}/signals"
    async with httpx.AsyncClient() as sender:
        answer = await sender.post(url, json={"token": SECRET, "signal_type": "BUY_TV", "close": 0.4801, "signal_id": "one"})
    assert answer.status_code == 202
    await ring.told("🟩 BUY_TV executed")
    assert ring.orders == [("BUY", Decimal(20))]
    assert program.is_alive

"""Measures the time from `kill -9` to consuming again, and how little it grows with history. Prints its results; HISTORY fills
more."""

import asyncio
import os
import sqlite3
import time
from contextlib import closing
from pathlib import Path

import pytest

from demo.broker import MemoryBroker
from tests.chaos.harness import PARTITIONS, TOPIC, Chaos, chaos

HISTORY = int(os.environ.get("HISTORY", "20000"))
ROUNDS = int(os.environ.get("ROUNDS", "1"))
GRACE_SECONDS = 2.0  # the most that a start after `kill -9` may take beyond a cold start

_MANY = "WITH RECURSIVE n(i) AS (SELECT {first} UNION ALL SELECT i + 1 FROM n WHERE i < {last}) INSERT INTO "
_AT = "strftime('%Y-%m-%dT%H:%M:%S', 1700000000 + i, 'unixepoch') || '.000000Z'"
_SIGNAL = """json_object('source', 'kafka:t', 'signal_id', 'h' || i, 'signal_type', 'BUY_SM', 'symbol', 'WIFUSDC',
'close', '0.48', 'ts', '2026-01-01T00:00:00Z', 'extra', json_object())"""
_FILLS = (
    f"""inbox (seq, source, source_id, mailbox, kind, body, received_at, decided_at, outcome)
    SELECT i, 'kafka:t', 'h' || i, 'WIFUSDC', 'signal', json_object('kind', 'signal', 'signal', {_SIGNAL}), {_AT}, {_AT},
    'ordered' FROM n""",
    f"""orders (client_order_id, inbox_seq, signal_type, signal_id, symbol, side, qty, price, state, trading_mode, created_at,
    updated_at, order_id, executed_qty, quote_qty, signal)
    SELECT 'mf-h' || i, i, 'BUY_SM', 'h' || i, 'WIFUSDC', 'BUY', '20', '0.48', 'FILLED', 'live', {_AT}, {_AT}, i, '20', '9.6',
    {_SIGNAL} FROM n""",
    f"""fills (symbol, trade_id, client_order_id, price, qty, fee, fee_asset, at)
    SELECT 'OLDUSDC', 'h' || i, 'mf-h' || i, '0.48', '20', '0.02', 'WIF', {_AT} FROM n""",
    f"""executions (execution_id, symbol, executed_at, side, qty, price, profit_pct, signal_type, signal_id, client_order_id,
    order_id, quote_qty, fee, fee_asset, profit_quote, trading_mode, base_asset, quote_asset)
    SELECT 'mf-h' || i, 'WIFUSDC', {_AT}, 'SELL', '20', '0.48', '1.5', 'SELL_SM', 'h' || i, 'mf-h' || i,
    i, '9.6', '0.01', 'USDC', '0.1', 'live', 'WIF', 'USDC' FROM n""",
    f"outbox (at, priority, kind, body) SELECT {_AT}, 1, 'started', '{{}}' FROM n",
    "told (reader, priority, seq) SELECT 'main', 1, max(seq) FROM outbox WHERE true ON CONFLICT DO UPDATE SET seq = excluded.seq",
)


def _fill(ledger: Path, first: int, last: int) -> None:
    """Writes the history of `last - first + 1` signals, each with its order, fill, execution and alert."""
    with closing(sqlite3.connect(ledger)) as connection, connection:
        for rows in _FILLS:
            connection.execute(_MANY.format(first=first, last=last) + rows)


async def _seconds_to_ready(world: Chaos) -> float:
    began = time.monotonic()
    await world.program.start()
    return time.monotonic() - began


async def _after_a_kill(world: Chaos) -> float:
    """Returns the best of some rounds: other work of the machine is not the program's."""
    took = []
    for _ in range(ROUNDS):
        await world.program.kill()
        took.append(await _seconds_to_ready(world))
    return min(took)


@pytest.mark.timeout(900)
async def test_it_is_back_soon_after_a_kill_however_long_its_history(tmp_path: Path, memory_broker: MemoryBroker) -> None:
    await asyncio.to_thread(memory_broker.create_topic, TOPIC, partitions=PARTITIONS)
    ledger = tmp_path / "ledger.db"
    async with chaos(tmp_path, memory_broker.address, seed=1, installed=True) as world:
        cold = await _seconds_to_ready(world)
        back = await _after_a_kill(world)
        await world.program.stop()
        await asyncio.to_thread(_fill, ledger, 1, 1_000)
        await world.program.start()
        short = await _after_a_kill(world)
        await world.program.stop()
        await asyncio.to_thread(_fill, ledger, 1_001, HISTORY)
        await world.program.start()
        long = await _after_a_kill(world)
        await world.publish("WIFUSDC", "BUY_SM", 1)
        await world.settle()
    print(f"\ncold start {cold:.2f} s; back after kill -9 in {back:.2f} s, with 1,000 signals of history in {short:.2f} s")
    print(f"with {HISTORY:,} signals of history in {long:.2f} s, {long / short:.2f}x of 1,000")
    assert back <= cold + GRACE_SECONDS

"""Records and requests that were rejected."""

CATALOGUE: dict[str, str] = {
    "dead_letters": "<b>🗑 Unreadable records: {count}</b>",
    "dead_letters.first": "First: {problem}",
    "dead_letters.where": "From: <code>{position}</code>",
    "dead_letters.raw": "Begins: <code>{raw}</code>",
    "dead_letters.kind": "• {count} × {problem} (<code>{position}</code>)",
    "dead_letters.others": "• {count} × other",
    "dead_letters.raw_first": "The first begins: <code>{raw}</code>",
    "dead_letters.see": "None of them was traded: if one was an exit, the position is still open (/positions). They are kept "
    "in the database; those from Kafka also in the dead-letter topic. Fix the sender.",
    "refused.conflict": "<b>♻️ {signal_type} refused: signal_id already used</b>",
    "advice.conflict": "What to do: leave <code>signal_id</code> out in the sender, or give every signal its own. A repeated "
    "signal must have the same content.",
    "refused.turned_back": "<b>↩️ {signal_type} was rejected</b>",
    "ledger_away": "<b>🧯 The database isn't responding: no trading, not even exits</b>",
    "ledger_away.since": "Since {time}. Signals wait at their source or are sent again; everything pending is done once it is "
    "back.",
    "ledger_away.held": "Open positions: {symbols}. To sell now, use the exchange itself.",
    "ledger_away.next": "What to do: check the disk and the database (<code>marketflow check</code>). Commands that change "
    "something fail until then.",
    "outage_over": "<b>🧯 {part} was down ({since} to {until}). Exits that came meanwhile: {count}</b>",
    "outage_over.sold": "• {signal_type} {symbol} of {time}: sold late",
    "outage_over.refused": "• {signal_type} {symbol} of {time}: <b>not sold</b>, {reason}",
    "outage_over.failed": "• {signal_type} {symbol} of {time}: <b>failed</b>, {reason}",
    "outage_over.more": "and {count} more: /signals",
    "outage_over.next": "What was not sold is still open: /positions. Sell it: /close.",
    "ended": "<b>🛑 MarketFlow stopped unexpectedly</b>",
    "ended.next": "No trading until it is started again; see the log.",
    "requests_refused": "<b>🚪 Requests refused since {time}: {count}</b> (<code>POST /signals</code>)",
    "requests_refused.kind": "• {count} × {why}",
    "requests_refused.wrong_secret": "wrong signature or token (WEBHOOK_SECRET)",
    "requests_refused.no_secret": "no signature and no token",
    "requests_refused.unreadable": "unreadable, without a valid signature or token",
    "requests_refused.too_long": "too long for a signal",
    "requests_refused.incomplete": "body incomplete",
    "requests_refused.too_many": "too many at once without the secret",
    "requests_refused.other": "other",
    "requests_refused.next": "If one of your senders is among them, its signals are lost until its secret is fixed. If not, "
    "they came from strangers and were ignored.",
}

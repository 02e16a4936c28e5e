"""Records and requests that were rejected."""

CATALOGUE: dict[str, str] = {
    "dead_letters": "<b>🗑 Unreadable records: {count}</b>",
    "dead_letters.first": "The first: {problem}",
    "dead_letters.where": "From: <code>{position}</code>",
    "dead_letters.raw": "It begins: <code>{raw}</code>",
    "dead_letters.kind": "• {count} × {problem} (<code>{position}</code>)",
    "dead_letters.others": "• {count} × something else",
    "dead_letters.raw_first": "The first begins: <code>{raw}</code>",
    "dead_letters.see": "Nothing was traded for them: if one was an exit, the position is still held (/positions). They are kept"
    " in the ledger, those of Kafka in the dead-letter topic too. Mend the sender.",
    "refused.conflict": "<b>♻️ {signal_type} refused: its id was used before</b>",
    "advice.conflict": "What to do: leave <code>signal_id</code> out in the sender, or give every signal one of its own."
    " A sender that repeats a signal must repeat it word for word.",
    "refused.turned_back": "<b>↩️ {signal_type} was turned back</b>",
    "ledger_away": "<b>🧯 The ledger does not answer: nothing is traded, exits neither</b>",
    "ledger_away.since": "Since {time}. Signals wait where they are, or are sent again; what is wanted is done as"
    " soon as it answers.",
    "ledger_away.held": "Held: {symbols}. Whatever cannot wait has to be sold on the exchange itself.",
    "ledger_away.next": "What to do: look at the disk and the database (<code>marketflow check</code>). Commands that set"
    " something do not work until then.",
    "outage_over": "<b>🧯 Exits that came while {part} was away ({since} to {until}): {count}</b>",
    "outage_over.sold": "• {signal_type} {symbol} of {time}: sold late",
    "outage_over.refused": "• {signal_type} {symbol} of {time}: <b>not sold</b>, {reason}",
    "outage_over.failed": "• {signal_type} {symbol} of {time}: <b>failed</b>, {reason}",
    "outage_over.more": "and {count} more: /signals",
    "outage_over.next": "What was not sold is still held: /positions, /close.",
    "ended": "<b>🛑 MarketFlow ended by itself</b>",
    "ended.next": "Nothing is traded until it is started again; the log says more.",
    "requests_refused": "<b>🚪 Turned away at POST /signals since {time}: {count}</b>",
    "requests_refused.kind": "• {count} × {why}",
    "requests_refused.wrong_secret": "the signature or the token is not that of WEBHOOK_SECRET",
    "requests_refused.no_secret": "neither a signature nor a token",
    "requests_refused.unreadable": "cannot be read, and carries neither a right signature nor a right token",
    "requests_refused.too_long": "too long to be a signal",
    "requests_refused.incomplete": "the body did not come to its end",
    "requests_refused.too_many": "too many at a time without the secret",
    "requests_refused.other": "something else",
    "requests_refused.next": "If one of your senders is among them, its signals are lost until its secret is mended. If not,"
    " strangers try the door: nothing of it was read.",
}

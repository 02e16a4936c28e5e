"""What came in and could not be taken."""

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

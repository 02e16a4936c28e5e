"""Another program on this bot's token, and this one's end."""

CATALOGUE: dict[str, str] = {
    "check.message": "✅ <b>Test message</b>\nMarketFlow can write to this chat; alerts arrive here.",
    "part.alone": "Bot token",
    "word.alone_unknown": "unknown while Telegram isn't responding",
    "word.alone": "nobody else uses this bot's token",
    "word.disturbed": "another program uses this bot's token; entries continue",
    "word.disturbed_closed": "another program uses this bot's token; entries are refused",
    "word.not_alone_yet": "entries wait until nobody else has used this bot's token for {seconds:duration} (a few minutes "
    "in a busy chat)",
    "part.orders": "Orders",
    "word.orders_over_websocket": "sent over the WebSocket API",
    "word.orders_over_rest_meanwhile": "sent over REST while the WebSocket API isn't responding",
    "word.orders_over_rest": "sent over REST",
    "word.set_back": "older than when it was last used: a backup was restored, or a replica lagged",
    # Starts recorded before the reason was; ledgers still have them.
    "note.newcomer": "Entries wait until it is clear that no other program uses this bot's token (/health). Exits don't wait.",
    "note.newcomer_untraded": "⏳ Entries wait: this ledger has placed no order in the last hour, so another program may be "
    "trading this account. They start automatically once nobody else has used this bot's token for {seconds:duration} (a "
    "few minutes in a busy chat); until then entry signals are refused. Exits don't wait. Progress: /health.",
    "note.newcomer_away": "⏳ Entries wait: no program ran on this ledger for {seconds:duration} or longer, so another one "
    "may have replaced it. They start automatically once nobody else has used this bot's token for {seconds:duration} (a "
    "few minutes in a busy chat); until then entry signals are refused. Exits don't wait. Progress: /health.",
    "note.newcomer_disturbed": "✋ Entries wait: another program uses this bot's token, and two programs would buy "
    "everything twice. Stop one of them; entries start {seconds:duration} later. Exits don't wait. Progress: /health.",
    "end.set_back": "<b>🛑 The ledger went back in time: this program stops</b>\n{who} found its ledger older than it left "
    "it, or replaced: a backup was restored, the database failed over to a lagging replica, or the file was swapped. Orders "
    "may be missing from it, so nothing is traded. At the next start the program asks the exchange what it missed. If no "
    "start is reported within a minute, start it and check /status.",
    "end.taken_over": "<b>🛑 Another MarketFlow took over the ledger: this program stops</b>\n{who} no longer holds its "
    "ledger and stops trading; the other one trades. If you didn't start one, find out who did.",
    "another.came.entries": "<b>⚠️ Another program uses this bot's token</b>\nTelegram hands each command to one of the "
    "two, or to both, so your commands may not arrive here. This one keeps trading ({who}); if the other is still there in "
    "{stays:duration}, entries stop. Stop the one that should not run.",
    "another.came.no_entries": "<b>✋ Another program uses this bot's token: no entries here</b>\nTwo programs on one "
    "account would buy everything twice, so this one refuses entries ({who}). Exits continue. Stop one of the two; entries "
    "start {quiet:duration} later.",
    "another.came.paper": "<b>⚠️ Another program uses this bot's token</b>\nTelegram hands each command to one of the two, "
    "or to both, so your commands may not arrive here ({who}). Give each program its own bot.",
    "another.stays": "<b>✋ The other program is still there: no more entries here</b>\nTwo programs on one account would "
    "buy everything twice, so this one now refuses entries ({who}). Exits continue. Stop one of the two; entries resume "
    "{quiet:duration} later.",
    "another.gone": "<b>👍 This program has the bot to itself again</b>\nNobody else used the token for {quiet:duration}. "
    "Trading as before ({who}).",
    "another.answered": "⚠️ This answer is from {who}. Another program uses this bot's token and may not have received your "
    "command.",
}

"""Another program on this bot's token, and this one's end."""

CATALOGUE: dict[str, str] = {
    "part.alone": "No other program",
    "word.alone_unknown": "not known while Telegram doesn't answer",
    "word.alone": "nobody else uses the bot's token",
    "word.disturbed": "another program uses the bot's token; entries go on",
    "word.disturbed_closed": "another program uses the bot's token; no entries",
    "word.not_alone_yet": "no entries before Telegram was polled undisturbed for {seconds} s on end, or some "
    "minutes in a busy chat",
    "word.set_back": "older than it was left: a backup was put back, or a copy lagged behind",
    # Starts recorded before the reason was; ledgers still have them.
    "note.newcomer": "Entries wait until it is known that no other program uses this bot's token (/health). Exits do not wait.",
    "note.newcomer_untraded": "⏳ Entries wait: this ledger has had no order on the exchange within the last hour, so another"
    " program may trade the account. They begin by themselves once nobody else has used this bot's token for {seconds} s, in a"
    " busy chat some minutes; what a signal wants to buy before is refused. /health says when. Exits do not wait.",
    "note.newcomer_away": "⏳ Entries wait: no program ran on this ledger for {seconds} s or longer, so another one may have"
    " taken its place. They begin by themselves once nobody else has used this bot's token for {seconds} s, in a busy chat some"
    " minutes; what a signal wants to buy before is refused. /health says when. Exits do not wait.",
    "note.newcomer_disturbed": "✋ Entries wait: another program uses this bot's token, and two would buy everything twice. Stop"
    " one of the two; entries begin by themselves {seconds} s later. /health says when. Exits do not wait.",
    "end.set_back": "<b>🛑 The ledger went backwards: this program ends</b>\n"
    "{who} found its ledger older than it had left it, or another one: a backup was put back, the database failed over to a copy"
    " that lagged, or the file was replaced. Orders may be missing in it, so nothing is traded. At its next start the program"
    " asks the exchange what it missed. If you hear of no start within a minute, start it, and look at /status.",
    "end.taken_over": "<b>🛑 Another MarketFlow took the ledger over: this program ends</b>\n"
    "{who} no longer holds its ledger and trades no more; the other one does. If you started none, find out who did.",
    "another.came.entries": "<b>⚠️ Another program uses this bot's token</b>\n"
    "Telegram hands each command to one of the two, or to both: what you say may not be heard here. This one goes on trading"
    " ({who}); if the other is still there in {stays} s, it makes no more entries. Stop the one that should not run.",
    "another.came.no_entries": "<b>✋ Another program uses this bot's token: no entries here</b>\n"
    "Two that trade one account would buy everything twice, so this one makes no entries ({who}). Exits go on. Stop one of"
    " the two; entries begin by themselves {quiet} s later.",
    "another.came.paper": "<b>⚠️ Another program uses this bot's token</b>\n"
    "Telegram hands each command to one of the two, or to both: what you say may not be heard here ({who}). Give each bot a token"
    " of its own.",
    "another.stays": "<b>✋ The other program is still there: no more entries here</b>\n"
    "Two that trade one account would buy everything twice, so this one makes no more entries ({who}). Exits go on. Stop one of"
    " the two; entries go on by themselves {quiet} s later.",
    "another.gone": "<b>👍 This program has the bot to itself again</b>\n"
    "Nobody else used the token for {quiet} s. Signals are traded as before ({who}).",
    "another.answered": "⚠️ This answer is from {who}. Another program uses this bot's token and may not have heard you.",
}

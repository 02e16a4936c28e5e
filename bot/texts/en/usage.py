"""The use of each command, for /help COMMAND."""

CATALOGUE: dict[str, str] = {
    "help.usage": "Usage: {usage}",
    "help.examples": "For example:",
    "help.example": "<code>{example}</code>",
    "help.who": "Who may: {role}",
    "help.who_changes": "Who may: {role}; with arguments: {more}",
    "help.viewer": "everybody with access",
    "help.trader": "traders and owners",
    "help.owner": "owners",
    "help.unknown": "There is no command {name}. /help lists all commands.",
    "help.unknown_nearest": "There is no command {name}. Did you mean {nearest}?",
    "answer.example": "For example: {example}",
    "about.status": "One screen: mode, pause, positions with their value, today's result, what waits, and whether each part is "
    "well.",
    "about.positions": "Each open position with its value, what protects it, how far stop and targets are, and buttons to "
    "close or protect it.",
    "about.pnl": "Net result of a period, after commissions, by UTC days; today where you name none.",
    "about.daily": "Net result of each of the last days, newest first.",
    "about.weekly": "Net result of each of the last weeks, newest first.",
    "about.monthly": "Net result of each of the last months, newest first.",
    "about.performance": "Which symbols and signal types earn the most, and which lose; all time where you name no period.",
    "about.stats": "Win rate, profit factor, averages, drawdown, streaks, the best and the worst trade.",
    "about.report": "A day, a week or a month on one screen, with a chart.",
    "about.chart": "A picture: the cumulative result, the result by day, or the trades of a symbol.",
    "about.trades": "The last closed trades, of all symbols or of one. The number says how many on a page, 1 to 20.",
    "about.signals": "The last signals and what came of each. The number says how many on a page, 1 to 20.",
    "about.whatif": "Puts the signals of the last days (7d, up to 90d) through other settings, on paper, beside what really came "
    "of them: stop, target, trail, size, or any setting of /set. Changes nothing.",
    "about.why": "The full story of a signal, order or trade: by its id, its symbol, or as a reply to an alert. Alone: of the "
    "last one.",
    "about.orders": "Orders in flight, open orders on the exchange, exits that wait, and the last orders.",
    "about.balance": "The account's balances and what they are worth.",
    "about.risk": "Each limit and how much of it is used.",
    "about.health": "Whether each part of the program is well, and since when not.",
    "about.export": "Executions of a UTC year as a CSV file, or its tax lots; this year where you name none.",
    "about.buy": "Buys at market once you confirm. A bare number is an amount of the quote asset (50, 50 USDC, 50$), with the "
    "base asset a quantity (20 WIF). The limits hold as for a signal.",
    "about.sell": "Sells a position at market once you confirm: all, a quantity, or a share. Works while paused.",
    "about.close": "Closes one position or all at market once you confirm. Works while paused.",
    "about.protect": "Gives a position a stop, targets or a trailing stop, or changes them. 5% counts from the entry, a bare "
    "number is a price, off takes it away.",
    "about.cancel": "Cancels an open order or declines an approval request; alone it lists them. Stops and targets stay.",
    "about.panic": "Pauses trading, cancels orders and sells everything at market, once you confirm.",
    "about.pause": "Stops trading at once, without a question: all signals, or entries only, for a while or until /resume. An "
    "owner alone can weaken a pause.",
    "about.resume": "Ends the pause once you confirm. Signals missed meanwhile are not traded.",
    "about.mode": "auto executes signals at once, confirm asks before each trade, observe only reports. confirm may leave out "
    "small trades (above 100) and signal types (except SELL_SM).",
    "about.strategies": "Each strategy with its settings, positions and results. A trader may pause one; an owner resumes and "
    "changes it.",
    "about.settings": "All settings by group: what is in force, who set it, and buttons to change it. Nothing changes before "
    "you confirm.",
    "about.set": "Changes one limit by its name once you confirm; default restores the value of .env. /settings does the same "
    "with buttons.",
    "about.reset": "Starts a protection anew that has stopped entries: the drawdown, or the losing exits in a row.",
    "about.accept": "Shows where ledger and exchange differ. With a symbol it takes the exchange's numbers as right; with "
    "account it accepts other orders on the account.",
    "about.notify": "Which alerts this chat gets, and how loud: approvals, trades, refusals, problems, system, digests; loud, "
    "silent or off.",
    "about.mute": "Only urgent alerts for a while, 7 days at most; the rest comes together afterwards.",
    "about.quiet": "Only urgent alerts in these hours every night, by your time zone.",
    "about.heartbeat": "A message every few hours that all is OK. If it doesn't come, something is wrong.",
    "about.lang": "The language in which the bot answers you.",
    "about.theme": "Light or dark charts, for you.",
    "about.zone": "The time zone of the times you see. Days stay UTC days.",
    "about.users": "Who has access. Invite somebody with a link for one person, revoke access, or let somebody set up codes "
    "anew.",
    "about.code": "Sets up the authenticator app whose codes confirm what raises risk; new replaces it.",
    "about.audit": "Who did what, when, and the outcome.",
    "about.start": "Introduces the bot, and lets it write to you.",
    "about.help": "All commands of your role; with a command's name how it is used.",
}

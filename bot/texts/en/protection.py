"""Exit plans, and the orders that protect a position."""

CATALOGUE: dict[str, str] = {
    # a plan in numbers
    "protection.away": " ({distance})",
    "protection.stop": "Stop: {price}{away}",
    "protection.target": "Target: {price}{away}",
    "protection.target_of": "Target {number}: {price}{away}, sells {share}%",
    "protection.sold": "Target {number}: {price}, filled",
    "protection.breakeven_target": "stop to breakeven after target 1",
    "protection.breakeven_price": "stop to breakeven at {price}{away}",
    "protection.trailing": "trailing stop {pct}% below the market",
    "protection.trailing_from": "trailing stop {pct}% below the market from {price}{away}",
    "protection.time": "sold at {time} at the latest",
    # the alert of an executed order
    "protection.stop_filled": "Stop filled, trigger {price}",
    "protection.target_filled": "Target filled",
    "protection.target_of_filled": "Target {number} of {count} filled",
    "protection.left": "Still protected: {quantity} of {held} {base}",
    "protection.stop_here": "Stop reached: sold at market by MarketFlow itself",
    "protection.target_here": "Target reached: sold at market by MarketFlow itself",
    "protection.time_here": "Time limit reached: sold at market by MarketFlow itself",
    # alerts
    "protection.failed": "<b>🛡 {symbol}: the position is not protected on the exchange</b>",
    "protection.since": "Since: {time}",
    "protection.next": "MarketFlow watches the price itself, sells at the stop and keeps trying to place the orders. While "
    "MarketFlow is down nothing protects the position.",
    "protection.restored": "<b>🛡 {symbol}: protected again</b>",
    "protection.rests": "The exit plan's orders rest on the exchange again.",
    "protection.not_moved": "<b>🛡 {symbol}: the stop could not be moved</b>",
    "protection.stop_stays": "The stop at {price} still rests on the exchange. MarketFlow watches the new one itself and "
    "keeps trying to place it.",
    "protection.changed_target": "🛡 {symbol}: target {number} of {count} filled, stop moved to breakeven",
    "protection.changed_price": "🛡 {symbol}: stop moved to breakeven",
    "protection.changed_trailing": "🛡 {symbol}: the trailing stop is active now",
    "protection.changed_person": "🛡 {symbol}: exit plan changed by {who}",
    "protection.protected_by": "🛡 {symbol}: protected by {who}",
    "protection.bare": "<b>🛡 Without an exit plan: {symbols}</b>",
    "protection.bare_next": "They have no stop and no target: "
    "nothing on the exchange limits their loss. /protect gives them a stop and targets.",
    # /positions
    "protection.none": "No exit plan: no stop, no target",
    "protection.guarded": "🛡 Protected on the exchange",
    "protection.guarded_part": "🛡 Protected on the exchange: {quantity} of {held} {base}",
    "protection.no_stop_yet": "⚠️ No stop rests on the exchange before the market reaches {price}: until then a loss has no limit",
    "protection.placing": "⏳ Stop and targets are being placed",
    "protection.moving": "⚠️ The stop could not be moved; the earlier one still rests on the exchange",
    "protection.exposed": "⚠️ Not protected on the exchange since {time}",
    "protection.watched": "MarketFlow watches the price itself and keeps trying to place the orders",
    # /status
    "status.exposed": "🛡 Not protected on the exchange: {symbols} (why: /positions)",
    # /orders
    "protection.order": "{mark} {symbol} {purpose}: {quantity} at {price}{away}",
    "protection.an_order": "order",
    "protection.a_stop": "stop",
    "protection.a_target": "target",
    "protection.a_target_of": "target {number} of {count}",
    # before /sell, /close, /panic and /pause
    "protection.taken_off": "Its stop and targets are cancelled on the exchange first",
    "protection.taken_off_part": "Its stop and targets are cancelled on the exchange first, then placed again for the rest",
    "protection.all_taken_off": "Stops and targets to cancel: {count}",
    "protection.stays": "Stops and targets stay on the exchange: {count}",
    # /why
    "why.plan": "exit plan: {plan}",
    "why.leg_placed": "{purpose} sent: {quantity} at {price}",
    "why.leg_FILLED": "{purpose} filled: {quantity} at {price} (order {id})",
    "why.leg_CANCELED": "{purpose} cancelled, {quantity} of {asked} filled (order {id})",
    "why.leg_EXPIRED": "{purpose} expired, {quantity} of {asked} filled (order {id})",
    "why.leg_REJECTED": "{purpose} not placed: {reason}",
    "why.more_legs": "· and {count:more order|more orders} of the plan",
    "why.kind_protection_failed": "not protected",
    "why.kind_protection_restored": "protected again",
    "why.kind_plan_changed": "exit plan changed",
    # /audit
    "audit.reported": "order report from the exchange, {symbol}",
    "audit.forgotten": "order of {symbol} no longer known to the exchange",
    "audit.protection": "protection of {symbol} checked",
    "audit.plan": "exit plan of {symbol} changed",
    "audit.bare": "positions without an exit plan listed",
    "audit.trailing": "trailing stop of {symbol} moved",
    "audit.breakeven": "stop of {symbol} moved to breakeven",
    # /protect, and the buttons of a position
    "command.protect": "set or change a position's stop and targets",
    "protect.which": "Which position do you want to protect?",
    "protect.refused": "🚫 Can't change the exit plan: {reason}",
    "protect.ask": "<b>🛡 Exit plan of {symbol}</b>, {quantity} {base}",
    "protect.none": "No exit plan: its orders are cancelled, and nothing limits the loss.",
    "protect.watched": "⚠️ The exchange can't hold this plan now ({reason}); MarketFlow watches the price itself and keeps "
    "trying.",
    "protect.now": "<b>🛡 {symbol}</b>",
    "protect.how": "Change: /protect {symbol} stop 5% target 10% (distance from the entry, a price, or off). What you don't "
    "name stays as it is.",
    "protect.breakeven": "To breakeven",
    "button.close": "Close",
    "button.half": "Close half",
    "button.move": "Move stop",
    "button.protect": "Protect",
    "button.of": "{symbol}: {action}",
}

"""Entries that wait at a limit."""

CATALOGUE: dict[str, str] = {
    # alerts
    "entry.rests": "<b>🕓 {signal_type}: waiting at {price}</b>",
    "entry.quantity": "Quantity: {quantity} {base}, at most {cost} {quote}",
    "entry.until": "Until {time}, then {then}",
    "entry.until_closed": "Until the position is closed",
    "entry.step": "Step {number} of {count} below the entry",
    "entry.until_unknown": "Cancelled at once: its time limit is unknown",
    "entry.then_cancel": "cancelled",
    "entry.then_market": "the rest is bought at market, within the price band and the same budget",
    "entry.then_reprice": "moved to the best bid, up to {count:time|times}, within the same budget",
    "entry.filled_partly": "<b>🕓 {signal_type}: filling</b>",
    "entry.filled": "Bought so far: {quantity} of {asked} {base} at {price}",
    "entry.chased_market": "<b>🏃 {signal_type}: time is up, buying at market</b>",
    "entry.chased_reprice": "<b>🏃 {signal_type}: moved to {price}</b>",
    "entry.chased_rest": "Quantity: {quantity} {base} up to {price}",
    "entry.missed": "<b>⌛ {signal_type}: missed</b>",
    "entry.missed_rest": "<b>⌛ {signal_type}: nothing more was bought</b>",
    "entry.nothing": "Nothing was bought.",
    # the question before it is sent
    "entry.ask_LIMIT": "Limit: {price}, waits for {length}, then {then}",
    "entry.ask_LIMIT_MAKER": "Limit, post-only: {price}, waits for {length}, then {then}",
    "entry.ask_at_once": "Limit: {price}, filled at once or cancelled ({stays})",
    "entry.ask_cost": "Costs at most: {cost} {quote}",
    # the steps of an entry before it is made
    "steps.one": "Step {number}: {quantity} at {price} ({away})",
    "steps.whole": "With the steps: {quantity} {base} for {cost} {quote}",
    "steps.average": "Average entry then: {price}",
    "steps.stop": "Stop then: {stop}",
    "steps.risk": "At risk then: {loss} {quote}",
    # /positions
    "positions.entries": "Entries: {number} of {most}",
    "positions.steps": "Steps waiting: {count} · entries {number} of {most}",
    "positions.step": "· Step {number}: {quantity} at {price}{away}",
    # /orders
    "entry.order": "{mark} entry of {signal_type}: {quantity} of {asked} at {price}{away}, until {time}, then {then}",
    "entry.order_step": "{mark} step {number}/{count}: {left} at {price}{away}",
    "entry.order_unknown": "{mark} entry: {quantity} of {asked} at {price}{away}, being cancelled",
    # before /pause
    "entry.taken_off": "Resting entries to cancel: {count}",
    # /why
    "why.entry_placed": "sent for the rest: {quantity} at up to {price}",
    "why.entry_FILLED": "the rest filled: {quantity} at {price} (order {id})",
    "why.entry_CANCELED": "cancelled, {quantity} of {asked} filled (order {id}): {reason}",
    "why.entry_EXPIRED": "expired, {quantity} of {asked} filled (order {id}): {reason}",
    "why.entry_REJECTED": "the rest was not bought: {reason}",
    "why.kind_entry_rests": "waiting at its limit",
    "why.kind_entry_filled_partly": "filling",
    "why.kind_entry_chased": "moved",
    "why.kind_entry_missed": "missed",
    # /audit
    "audit.entry": "resting entry checked",
}

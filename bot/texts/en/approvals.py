"""Questions about a trade, and what a tapped button says."""

CATALOGUE: dict[str, str] = {
    "approval.ask": "<b>❓ {signal_type}: trade this?</b>",
    "approval.until": "Answer by {time} ({seconds} s); the price is checked again then.",
    "approval.approve": "✅ Approve",
    "approval.decline": "✖️ Decline",
    "approval.APPROVED": "<b>✅ {signal_type} approved</b>",
    "approval.DECLINED": "<b>✖️ {signal_type} declined</b>",
    "approval.EXPIRED": "<b>⌛ {signal_type}: nobody answered in time</b>",
    "approval.WITHDRAWN": "<b>↩️ {signal_type} withdrawn</b>",
    "approval.OPEN": "<b>❓ {signal_type}: waiting for an answer</b>",
    "approval.not_traded": "Not traded: {reason}",
    "toast.approved": "Approved. What comes of it is told here.",
    "toast.not_traded": "Not traded: {reason}",
    "toast.declined": "Declined, nothing is traded.",
    "toast.closed": "This was already decided.",
    "toast.unreadable": "This button is not known.",
    "toast.taken": "Taken; it is being worked on.",
    "toast.trouble": "Not done: the ledger does not answer. Try again.",
    "toast.old": "This tap is too old. Tap again.",
}

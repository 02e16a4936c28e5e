"""Questions about a trade, and what a tapped button says."""

CATALOGUE: dict[str, str] = {
    "approval.ask": "<b>❓ {signal_type}: торгуем?</b>",
    "approval.until": "Ответить до {time} ({seconds} с); цена при ответе проверяется снова.",
    "approval.approve": "✅ Да",
    "approval.decline": "✖️ Нет",
    "approval.APPROVED": "<b>✅ {signal_type} одобрен</b>",
    "approval.DECLINED": "<b>✖️ {signal_type} отклонён</b>",
    "approval.EXPIRED": "<b>⌛ {signal_type}: вовремя никто не ответил</b>",
    "approval.WITHDRAWN": "<b>↩️ {signal_type} отозван</b>",
    "approval.OPEN": "<b>❓ {signal_type}: ждёт ответа</b>",
    "approval.not_traded": "Сделки нет: {reason}",
    "toast.approved": "Одобрено. О результате сообщу здесь.",
    "toast.not_traded": "Сделки нет: {reason}",
    "toast.declined": "Отклонено, сделки не будет.",
    "toast.closed": "Это уже решено.",
    "toast.unreadable": "Неизвестная кнопка.",
    "toast.taken": "Принято, выполняется.",
    "toast.trouble": "Не выполнено: реестр не отвечает. Попробуйте ещё раз.",
    "toast.old": "Нажатие слишком старое. Нажмите ещё раз.",
}

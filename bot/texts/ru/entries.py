"""Entries that wait at a limit; the reasons of core.domain.entry_reasons by their codes."""

CATALOGUE: dict[str, str] = {
    # alerts
    "entry.rests": "<b>🕓 {signal_type}: лимитный ордер по {price}</b>",
    "entry.quantity": "Количество: {quantity} {base}, не больше {cost} {quote}",
    "entry.until": "До {time}, потом {then}",
    "entry.until_closed": "До закрытия позиции",
    "entry.step": "Ступень {number} из {count} ниже входа",
    "entry.until_unknown": "Снимается сразу: срок ордера неизвестен",
    "entry.then_cancel": "отмена",
    "entry.then_market": "остаток покупается по рынку, в пределах ценового коридора и той же суммы",
    "entry.then_reprice": "переносится на лучшую цену покупки, до {count:раза|раз|раз}, в пределах той же суммы",
    "entry.filled_partly": "<b>🕓 {signal_type}: исполняется частями</b>",
    "entry.filled": "Уже куплено: {quantity} из {asked} {base} по {price}",
    "entry.chased_market": "<b>🏃 {signal_type}: время вышло, покупка по рынку</b>",
    "entry.chased_reprice": "<b>🏃 {signal_type}: перенесён на {price}</b>",
    "entry.chased_rest": "Количество: {quantity} {base}, не дороже {price}",
    "entry.missed": "<b>⌛ {signal_type}: не исполнился</b>",
    "entry.missed_rest": "<b>⌛ {signal_type}: больше ничего не куплено</b>",
    "entry.nothing": "Ничего не куплено.",
    # the question before it is sent
    "entry.ask_LIMIT": "Лимит: {price}, ждёт {length}, потом {then}",
    "entry.ask_LIMIT_MAKER": "Лимит, post-only: {price}, ждёт {length}, потом {then}",
    "entry.ask_at_once": "Лимит: {price}, исполняется сразу или отменяется ({stays})",
    "entry.ask_cost": "Стоит не больше: {cost} {quote}",
    # the steps of an entry before it is made
    "steps.one": "Ступень {number}: {quantity} по {price} ({away})",
    "steps.whole": "Со ступенями: {quantity} {base} за {cost} {quote}",
    "steps.average": "Средняя цена тогда: {price}",
    "steps.stop": "Стоп тогда: {stop}",
    "steps.risk": "Риск тогда: {loss} {quote}",
    # /positions
    "positions.entries": "Входов: {number} из {most}",
    "positions.steps": "Ждут ступени: {count} · входов {number} из {most}",
    "positions.step": "· Ступень {number}: {quantity} по {price}{away}",
    # /orders
    "entry.order": "{mark} вход {signal_type}: {quantity} из {asked} по {price}{away}, до {time}, потом {then}",
    "entry.order_step": "{mark} ступень {number}/{count}: {left} по {price}{away}",
    "entry.order_unknown": "{mark} вход: {quantity} из {asked} по {price}{away}, снимается",
    # before /pause
    "entry.taken_off": "Отложенных входов, которые будут сняты: {count}",
    # /why
    "why.entry_placed": "на остаток отправлено: {quantity} не дороже {price}",
    "why.entry_FILLED": "остаток исполнен: {quantity} по {price} (ордер {id})",
    "why.entry_CANCELED": "снят, исполнено {quantity} из {asked} (ордер {id}): {reason}",
    "why.entry_EXPIRED": "истёк, исполнено {quantity} из {asked} (ордер {id}): {reason}",
    "why.entry_REJECTED": "остаток не куплен: {reason}",
    "why.kind_entry_rests": "лимитный ордер поставлен",
    "why.kind_entry_filled_partly": "исполняется частями",
    "why.kind_entry_chased": "перенесён",
    "why.kind_entry_missed": "не исполнился",
    # /audit
    "audit.entry": "проверка отложенного входа",
}

SENTENCES: dict[str, str] = {
    "entry_rests": "вход в {symbol} уже стоит на бирже",
    "entry_price_band": "лимит {price} на {moved}% выше цены сигнала {close}, допустимо {limit}%",
    "not_whole": "{qty} {base} целиком до {price} (край ценового коридора) никто не продавал",
    "entry_withdrawn": "отложенный вход отменён, по нему ничего не куплено",
    "entry_timeout": "ордер не исполнился за {seconds:duration}",
    "entry_paused": "торговлю поставили на паузу, пока ордер ждал",
    "entry_observed": "пока ордер ждал, включили режим observe",
    "entry_left": "пока ордер ждал, пришёл сигнал на выход",
    "entry_sold": "купленная часть продана по стопу или цели, пока остаток ждал",
    "entry_over": "позиция, которую ордер должен был нарастить, закрыта",
    "entry_cancelled": "отменил(а) {who}",
    "entry_clock": "пока ордер ждал, часы сервера перевели назад, и его срок не проверить",
    "entry_forgotten": "биржа больше не знает этого ордера (тестовую сеть время от времени обнуляют)",
    "entry_lost": "учёт потерял этот ордер, а с ним и его срок",
    "met_ours": "биржа сняла ордер: иначе он исполнился бы о другой ордер этого же счёта",
    "chases_used_up": "ордер уже перенесён {count:раз|раза|раз}, больше нельзя",
    "rest_too_small": "остаток {qty} {base} слишком мал для ордера",
}

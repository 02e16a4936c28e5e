"""Entries that wait at a limit; the reasons of core.domain.entry_reasons by their codes."""

CATALOGUE: dict[str, str] = {
    # alerts
    "entry.rests": "<b>🕓 {signal_type}: ждёт по {price}</b>",
    "entry.quantity": "Количество: {quantity} {base}, не больше {cost} {quote}",
    "entry.until": "До {time}, потом {then}",
    "entry.until_unknown": "Снимается сразу: сколько он должен был ждать, неизвестно",
    "entry.then_cancel": "отменяется",
    "entry.then_market": "остаток покупается по рынку, в пределах коридора цены и не дороже",
    "entry.then_reprice": "переносится на лучшую цену покупки, до {count} раз и не дороже",
    "entry.filled_partly": "<b>🕓 {signal_type}: исполняется</b>",
    "entry.filled": "Куплено пока: {quantity} из {asked} {base} по {price}",
    "entry.chased_market": "<b>🏃 {signal_type}: время вышло, покупка по рынку</b>",
    "entry.chased_reprice": "<b>🏃 {signal_type}: перенесён на {price}</b>",
    "entry.chased_rest": "Количество: {quantity} {base}, не дороже {price}",
    "entry.missed": "<b>⌛ {signal_type}: упущен</b>",
    "entry.missed_rest": "<b>⌛ {signal_type}: больше ничего не куплено</b>",
    "entry.nothing": "Ничего не куплено.",
    # the question before it is sent
    "entry.ask_LIMIT": "Лимит: {price}, ждёт {length}, потом {then}",
    "entry.ask_LIMIT_MAKER": "Лимит, только мейкером: {price}, ждёт {length}, потом {then}",
    "entry.ask_at_once": "Лимит: {price}, сразу или никак ({stays})",
    "entry.ask_cost": "Стоит не больше: {cost} {quote}",
    # /orders
    "entry.order": "{mark} {symbol}, вход {signal_type}: {quantity} из {asked} по {price}, до {time}, потом {then}",
    "entry.order_unknown": "{mark} {symbol}, вход: {quantity} из {asked} по {price}, снимается",
    # before /pause
    "entry.taken_off": "Ждущих входов, которые отменяются: {count}",
    # /why
    "why.entry_placed": "на остаток: {quantity} не дороже {price}",
    "why.entry_FILLED": "остаток исполнен: {quantity} по {price} (ордер {id})",
    "why.entry_CANCELED": "снят, исполнено {quantity} из {asked} (ордер {id}): {reason}",
    "why.entry_EXPIRED": "закончился, исполнено {quantity} из {asked} (ордер {id}): {reason}",
    "why.entry_REJECTED": "остаток не куплен: {reason}",
    "why.kind_entry_rests": "ждёт по лимиту",
    "why.kind_entry_filled_partly": "исполняется",
    "why.kind_entry_chased": "перенесён",
    "why.kind_entry_missed": "упущен",
    # /audit
    "audit.entry": "проверка ждущего входа",
}

SENTENCES: dict[str, str] = {
    "entry_rests": "вход по {symbol} уже стоит на бирже",
    "entry_price_band": "его лимит {price} на {moved}% выше цены сигнала {close}, это больше {limit}%",
    "not_whole": "{qty} {base} целиком до {price} (край ценового коридора) никто не продавал",
    "entry_withdrawn": "стоявший вход отменён до того, как что-либо купил",
    "entry_timeout": "он не исполнился за {seconds:duration}",
    "entry_paused": "торговля поставлена на паузу, пока он стоял",
    "entry_observed": "включён режим observe, пока он стоял",
    "entry_left": "пока он стоял, пришёл выход",
    "entry_sold": "пока он стоял, стоп или цель продали купленное им",
    "entry_cancelled": "{who} отменяет его",
    "entry_clock": "пока он стоял, часы машины перевели назад, и его время не узнать",
    "entry_forgotten": "биржа его больше не знает (тестовую сеть иногда сбрасывают)",
    "entry_lost": "журнал его потерял, а с ним и время, сколько ему стоять",
    "chases_used_up": "он уже перенесён {count} раз",
    "rest_too_small": "остаток {qty} {base} слишком мал для ордера",
}

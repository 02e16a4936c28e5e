"""Reasons why an exit plan cannot rest on the exchange, in Russian: every reason of core.domain.plan_reasons by its code."""

SENTENCES: dict[str, str] = {
    "protection_required": "задано PROTECTION=required, а биржа не может держать план выхода: {why}",
    "order_type_missing": "биржа не принимает ордера {type} по {symbol}",
    "no_stop_before": "стоп появится только на {pct}% выше входа, до этого убыток ничем не ограничен; задайте и обычный стоп",
    "order_lists_missing": "биржа не принимает связанные ордера (OCO) по {symbol}",
    "stop_reached": "рынок, сейчас {market}, уже на стопе {found} или ниже",
    "target_reached": "рынок, сейчас {market}, уже на цели {found} или выше",
    "lost_sale": "в учёте не было ордера, который изменил позицию; она защищается заново, какая есть",
    "exits_wait": "биржа приняла защитные ордера вместе со входом, но ещё не выставила их",
    "price_out_of_band": "биржа не принимает ордер по {found}, пока рынок на {market}",
    "part_below_min_qty": "часть {number} плана выхода, {qty} {base}, меньше минимального ордера биржи: {minimum}",
    "part_above_max_qty": "часть {number} плана выхода, {qty} {base}, больше максимального ордера биржи: {maximum}",
    "part_below_min_notional": "часть {number} плана выхода стоит {value} {quote} по {price}, это меньше минимума биржи "
    "{minimum}",
    "part_above_max_notional": "часть {number} плана выхода стоит {value} {quote} по {price}, это больше максимума биржи "
    "{maximum}",
    "stops_full": "плану выхода нужно стоп-ордеров: {needed}; открыто по {symbol}: {open}, предел биржи {limit}",
    "orders_full": "плану выхода нужно ордеров: {needed}; открыто по {symbol}: {open}, предел биржи {limit}",
    "steps_too_many": "у входа ступеней ниже: {count}, всего входов {entries}, а MAX_ENTRIES разрешает {limit}",
    "max_entries_with_steps": "входов в позицию: {count}, ещё ждут исполнения: {waiting}, а MAX_ENTRIES разрешает {limit}",
    "steps_beside": "ступени задаются для входа, который открывает позицию, а {qty} {base} уже есть",
    "step_at_stop": "ступень {number} по {price} не выше стопа, который к тому времени будет на {stop}",
    "step_unfit": "ступень {number} из {count} не выставить: {why}",
    "opened_since": "с момента вопроса позиция {symbol} уже открыта: показанные выходы и ступени были для новой",
    "closed_since": "позиция {symbol}, которую предлагали нарастить, с момента вопроса закрыта, её выходы сняты",
    "step_over": "позиция, к которой относится эта ступень, закрыта",
    "attempts_used_up": "ордера, защищающие позицию, ставились {count:раз|раза|раз}, номеров для новой попытки больше нет",
    "position_changed": "позиция изменилась с момента вопроса",
    "plan_unchanged": "план выхода уже такой",
    "plan_over": "план выхода, по которому стоял этот ордер, завершён",
    "lists_full": "плану выхода нужно связанных ордеров (OCO): {needed}; открыто по {symbol}: {open}, предел биржи {limit}",
}

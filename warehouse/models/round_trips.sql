-- Amounts in and out of each round trip.
select
    symbol,
    trading_mode,
    trip,
    min(quote_asset) as quote_asset,
    min(case when side = 'BUY' then signal_type end) as entry_signal_type,
    min(case when side = 'BUY' then executed_at end) as opened_at,
    max(case when side = 'SELL' then executed_at end) as closed_at,
    sum(case when side = 'BUY' then qty else 0 end) as bought,
    sum(case when side = 'SELL' then qty else 0 end) as sold,
    sum(case when side = 'BUY' then quote_qty else 0 end) as spent,
    sum(case when side = 'SELL' then quote_qty else 0 end) as received,
    sum(profit_quote) as profit,
    sum(gross_quote) as gross,
    strategy,
    min(plan_id) as plan_id
from {{ ref('order_trips') }}
group by symbol, trading_mode, strategy, trip

-- Amounts in and out, from the first entry after an exit to the last exit before the next entry. Trip 0 are exits whose
-- entry is missing.
with ordered as (
    select
        *,
        case
            when side = 'BUY' and coalesce(
                lag(side) over (partition by symbol, trading_mode order by executed_at, execution_id), 'SELL'
            ) = 'SELL' then 1
            else 0
        end as begins
    from {{ ref('order_history') }}
),

numbered as (
    select
        *,
        sum(begins) over (
            partition by symbol, trading_mode order by executed_at, execution_id rows between unbounded preceding and current row
        ) as trip
    from ordered
)

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
    sum(gross_quote) as gross
from numbered
group by symbol, trading_mode, trip

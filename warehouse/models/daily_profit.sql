-- Net profit of each UTC day in each quote asset, and its running total.
with days as (
    select
        cast({{ utc('executed_at') }} as date) as day,
        trading_mode,
        quote_asset,
        count(*) as exits,
        sum(case when profit_quote > 0 then 1 else 0 end) as wins,
        sum(profit_quote) as profit,
        sum(gross_quote) as gross
    from {{ ref('order_history') }}
    where profit_quote is not null
    group by 1, 2, 3
)

select
    day,
    trading_mode,
    quote_asset,
    exits,
    wins,
    profit,
    gross,
    sum(profit) over (
        partition by trading_mode, quote_asset order by day rows between unbounded preceding and current row
    ) as total
from days

-- Performance of each symbol: its exits, the winning ones, and their profit.
select
    symbol,
    trading_mode,
    quote_asset,
    count(*) as exits,
    sum(case when profit_quote > 0 then 1 else 0 end) as wins,
    sum(profit_quote) as profit,
    sum(gross_quote) as gross,
    min(profit_pct) as worst_pct,
    max(profit_pct) as best_pct
from {{ ref('order_history') }}
where profit_quote is not null
group by symbol, trading_mode, quote_asset

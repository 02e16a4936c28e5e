-- What each executed order cost beside its signal's price, in quote asset: above zero is a cost, null is not known. `slippage` is
-- `delay` (until the market was met) and `execution` (from there); the program computes the same (docs/quality.md). An exchange's
-- quantities have at most 8 decimals, so that products are exact on DuckDB; Snowflake rounds them to 16 decimals.
with valued as (
    select
        *,
        signal_price * cast(qty as decimal(38, 8)) as worth,
        arrival_price * cast(qty as decimal(38, 8)) as met
    from {{ ref('order_history') }}
    where signal_price <> 0
),

measured as (
    select
        *,
        case when side = 'BUY' then quote_qty - worth else worth - quote_qty end as slippage,
        case when side = 'BUY' then met - worth else worth - met end as delay,
        case when side = 'BUY' then quote_qty - met else met - quote_qty end as execution
    from valued
)

select
    execution_id,
    cast({{ utc('executed_at') }} as date) as day,
    extract(hour from {{ utc('executed_at') }}) as hour,
    symbol,
    strategy,
    role,
    side,
    trading_mode,
    quote_asset,
    qty / asked_qty as fill_ratio,
    worth,
    slippage,
    delay,
    execution,
    case when met is null then slippage end as unsplit,
    met,
    execution + execution as spread,
    fee_quote as fees,
    10000 * slippage / worth as slippage_bps
from measured

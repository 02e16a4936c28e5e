-- Every executed order with its round trip, one of a strategy in a symbol: from the first entry after an exit to the last exit before
-- the next entry. Trip 0 are exits whose entry is missing, or named another strategy, when positions were those of the symbol alone.
with ordered as (
    select
        *,
        case
            when side = 'BUY' and coalesce(
                lag(side) over (partition by symbol, trading_mode, strategy order by executed_at, execution_id), 'SELL'
            ) = 'SELL' then 1
            else 0
        end as begins
    from {{ ref('order_history') }}
)

select
    *,
    sum(begins) over (
        partition by symbol, trading_mode, strategy order by executed_at, execution_id
        rows between unbounded preceding and current row
    ) as trip
from ordered

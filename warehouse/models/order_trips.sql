-- Every executed order with its round trip: from the first entry after an exit to the last exit before the next entry. Trip 0 are
-- exits whose entry is missing. A trip belongs to the strategy that opened it, whoever closed it.
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
    *,
    first_value(strategy) over (
        partition by symbol, trading_mode, trip order by executed_at, execution_id
        rows between unbounded preceding and unbounded following
    ) as trip_strategy
from numbered

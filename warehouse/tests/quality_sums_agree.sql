-- Days, hours, symbols and strategies sum up to the same costs as the orders do.
with orders as (
    select coalesce(sum(slippage), 0) as slippage, coalesce(sum(spread), 0) as spread, coalesce(sum(fees), 0) as fees
    from {{ ref('order_quality') }}
),
groups as (
    {% for by in ['day', 'hour', 'symbol', 'strategy'] %}
    select
        coalesce(sum(delay + execution + unsplit), 0) as slippage, coalesce(sum(spread), 0) as spread, coalesce(sum(fees), 0) as fees
    from {{ ref('quality_by_' ~ by) }}
    {{ 'union all' if not loop.last }}
    {% endfor %}
)

select orders.slippage
from orders, groups
where orders.slippage <> groups.slippage
    or orders.spread <> groups.spread
    or orders.fees <> groups.fees

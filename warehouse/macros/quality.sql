{# What the measured orders of each value of `column` cost, in quote asset. Sums leave out what is not known. #}
{% macro quality(column) %}
select
    {{ column }},
    trading_mode,
    quote_asset,
    count(*) as orders,
    sum(worth) as worth,
    sum(slippage) as slippage,
    coalesce(sum(delay), 0) as delay,
    coalesce(sum(execution), 0) as execution,
    coalesce(sum(unsplit), 0) as unsplit,
    coalesce(sum(met), 0) as met,
    coalesce(sum(spread), 0) as spread,
    coalesce(sum(fees), 0) as fees,
    sum(case when fees is null then 1 else 0 end) as fees_unknown
from {{ ref('order_quality') }}
group by {{ column }}, trading_mode, quote_asset
{% endmacro %}

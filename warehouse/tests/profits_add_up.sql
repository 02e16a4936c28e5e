-- Days, trips, symbols, strategies, ways out and kinds of signals all sum up to the same profit as the orders do.
with orders as (select sum(profit_quote) as profit from {{ ref('order_history') }}),
days as (select sum(profit) as profit from {{ ref('daily_profit') }}),
trips as (select sum(profit) as profit from {{ ref('round_trips') }}),
symbols as (select sum(profit) as profit from {{ ref('performance_by_symbol') }}),
strategies as (select sum(profit) as profit from {{ ref('performance_by_strategy') }}),
roles as (select sum(profit) as profit from {{ ref('performance_by_role') }}),
kinds as (select sum(profit) as profit from {{ ref('performance_by_signal_type') }})

select orders.profit
from orders, days, trips, symbols, strategies, roles, kinds
where coalesce(orders.profit, 0) <> coalesce(days.profit, 0)
    or coalesce(orders.profit, 0) <> coalesce(trips.profit, 0)
    or coalesce(orders.profit, 0) <> coalesce(symbols.profit, 0)
    or coalesce(orders.profit, 0) <> coalesce(strategies.profit, 0)
    or coalesce(orders.profit, 0) <> coalesce(roles.profit, 0)
    or coalesce(orders.profit, 0) <> coalesce(kinds.profit, 0)

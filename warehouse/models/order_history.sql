-- Every executed order, the design's seven columns first. A late or corrected row has a newer exported_at than the rows
-- built before, however old its executed_at is. The hour of overlap covers rows whose transaction ended later than their
-- clock said; rows read twice are merged on execution_id and change nothing.
{{
    config(
        materialized='incremental',
        unique_key='execution_id',
        incremental_strategy='delete+insert',
        on_schema_change='append_new_columns'
    )
}}

select
    symbol,
    executed_at,
    side,
    qty,
    price,
    profit_pct,
    signal_type,
    execution_id,
    signal_id,
    client_order_id,
    order_id,
    quote_qty,
    fee,
    fee_asset,
    profit_quote,
    gross_quote,
    base_asset,
    quote_asset,
    trading_mode,
    strategy,
    role,
    plan_id,
    signal_price,
    arrival_price,
    asked_qty,
    fee_quote,
    exported_at
from {{ source('raw', 'executions') }}
{% if is_incremental() %}
where (select count(*) from {{ this }}) = 0
    or exported_at >= (select max(exported_at) - interval '1 hour' from {{ this }})
{% endif %}

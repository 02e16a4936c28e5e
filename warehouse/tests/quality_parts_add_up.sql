-- The slippage of each order is its delay and its execution to the last digit, or it is not split at all.
select execution_id
from {{ ref('order_quality') }}
where slippage <> coalesce(delay + execution, unsplit)
    or (unsplit is null) <> (delay is not null)
    or worth <= 0

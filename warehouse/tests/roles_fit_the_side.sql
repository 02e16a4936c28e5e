-- What was bought is an entry, what was sold is not; what a plan's stop or target sold belongs to that plan.
select execution_id
from {{ ref('order_history') }}
where (side = 'BUY') <> (role = 'entry')
    or (role in ('stop', 'target', 'time_limit') and plan_id is null)

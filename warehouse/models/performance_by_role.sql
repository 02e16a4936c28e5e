-- Performance of each way out: by stop, target or time limit of the plan, or by a signal or a person.
{{ performance(ref('order_history'), 'role') }}
